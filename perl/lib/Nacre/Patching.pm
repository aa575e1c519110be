package Nacre::Patching;

use v5.16;
use strict;
use warnings;

use Nacre::Patching::Classes ();

our $VERSION = '0.1';

# Loads Nacre.so and begins to follow what perl loads. DynaLoader's functions are built into perl.
sub begin {
    state $begun = 0;
    return if $begun++;
    my $own     = _real(__FILE__) =~ s{/?Nacre/Patching\.pm\z}{}r;
    my $file    = library($own) or die "Nacre.so is missing: run `make install PERL=$Config::Config{perlpath}` in Nacre's source tree\n";
    my $library = DynaLoader::dl_load_file( $file, 0 ) or die "Nacre cannot load $file: ", DynaLoader::dl_error(), "\n";
    my $boot    = DynaLoader::dl_find_symbol( $library, 'boot_Nacre__Patching' )
        or die "Nacre cannot use $file: it is of another version; run `make install` again\n";
    DynaLoader::dl_install_xsub( 'Nacre::Patching::bootstrap', $boot, $file )->('Nacre::Patching');
    start( $own, _scripts() );
    return;
}

# The scripts that are being loaded at this moment: a server (hypnotoad, plackup) holds what they will have made.
sub _scripts {
    my @scripts;
    for ( my $depth = 0; my @frame = caller $depth; $depth++ ) {
        push @scripts, $frame[6] if $frame[7] && $frame[6] !~ /\.pm\z/;
    }
    return @scripts;
}

# perl's own directories have links to the installed files.
sub _real {
    my ($file) = @_;
    while ( defined( my $target = readlink $file ) ) {
        $file = $target =~ m{\A/} ? $target : $file =~ s{[^/]*\z}{}r . $target;
    }
    return $file;
}

# Where Nacre.so is: beside the installed Perl files, or in the source tree's build directory.
sub library {
    my ($own) = @_;
    DynaLoader::boot_DynaLoader('DynaLoader')
        if defined &DynaLoader::boot_DynaLoader && !defined &DynaLoader::dl_error;
    require Config;
    my @places = (
        $ENV{NACRE_LIBRARY} // (),
        "$own/../$Config::Config{version}/$Config::Config{archname}/Nacre.so",
        map {"$own/../../.build/$_/libNacre.so"} qw(release debug)
    );
    return ( grep { -e $_ } @places )[0];
}

# The keys of the files that differ from what runs, as far as anybody has looked.
sub differing { return split /\0/, described_differing() }

# Has these files count as changed; gives those that are loaded.
sub force { return split /\0/, described_force(@_) }

# The keys of what the load of a file has asked for; what its source names, if nobody saw the load.
sub uses {
    my ($key) = @_;
    my $seen = described_uses($key);
    return split /\0/, $seen if defined $seen;
    my $file = $INC{$key};
    return if !defined $file || ref $file || !open my $from, '<', $file;
    my $source = do { local $/; readline $from };
    $source =~ s/^__(?:END|DATA)__$.*//ms;
    my @modules = $source =~ /^\s*(?:use|require)\s+([A-Za-z_]\w*(?:::\w+)*)/mg;
    push @modules, $1 =~ /([A-Za-z_]\w*(?:::\w+)*)/g while $source =~ /^\s*use\s+(?:parent|base)\b([^;]*)/mg;
    return grep { exists $INC{$_} } map { s{::}{/}gr . '.pm' } @modules;
}

# Loads a file again, as if asked for by code of this package.
my %loader;

sub _load {
    my ( undef, $package, $how, $name ) = @_;
    my $load = $loader{"$how $package"} //= eval(
        $how eq 'do'
        ? "package $package; sub { local (\$@, \$!); defined( my \$got = do \$_[0] ) and return; die \$@ if \$@; -r \$_[0] or die qq(\$_[0]: \$!\\n) }"
        : "package $package; sub { require \$_[0] }"
    ) // die $@;
    my $handler = $SIG{__WARN__};
    my $filter  = sub {
        return if $_[0] =~ /\A(?:Subroutine|Constant subroutine|Format) \S+ redefined at |\APrototype mismatch: |\AToo late to run /;
        ref $handler eq 'CODE' ? $handler->(@_) : warn @_;
    };
    $SIG{__WARN__} = $filter;
    local $_;
    my $is_loaded = eval { $load->($name); 1 };
    my $error     = $@;

    # Unless the file has set one of its own.
    if ( ( $SIG{__WARN__} // '' ) eq $filter ) {
        defined $handler ? ( $SIG{__WARN__} = $handler ) : delete $SIG{__WARN__};
    }
    die $error if !$is_loaded;
    return 1;
}

# What a package exports by default.
sub _exports {
    my ( undef, $package ) = @_;
    no strict 'refs';
    return exists ${"${package}::"}{EXPORT} ? join "\x01", @{"${package}::EXPORT"} : '';
}

# What a package lets others import: "*" if only its import method knows.
sub _offers {
    my ( undef, $package ) = @_;
    no strict 'refs';
    my @names = map { exists ${"${package}::"}{$_} ? @{"${package}::$_"} : () } qw(EXPORT EXPORT_OK);
    return join "\x01", map {s/\A&//r} @names if @names;
    return $package->can('import') ? '*' : '';
}

# Imports again what a package exports by default into one that has all that it exported before. Gives the names that are
# exported no more.
my %importer;

sub _import_again {
    my ( undef, $package, $before, $holder ) = @_;
    no strict 'refs';
    my @known = grep { /\A\w+\z/ && defined &{"${package}::$_"} } map {s/\A&//r} split /\x01/, $before;
    return '' if !@known || grep { !defined &{"${holder}::$_"} || \&{"${holder}::$_"} != \&{"${package}::$_"} } @known;
    my %is_exported = map { s/\A&//r => 1 } @{"${package}::EXPORT"};
    my $import      = $importer{$holder} //= eval "package $holder; sub { \$_[0]->import }";
    $import->($package);
    return join "\x01", grep { !$is_exported{$_} } @known;
}

# Hooks: `{before}{"My/App.pm"}`, and what the one before has given to the one after.
my ( %hook, %state );

sub set_hook {
    my ( $when, $key, $hook ) = @_;
    $hook{$when}{$key} = $hook;
    return;
}

sub _hook {
    my ( $when, $key ) = @_;
    return $hook{$when}{$key} if $hook{$when}{$key};
    my $sub = ( $key =~ s/\.pm\z//r =~ s{/}{::}gr ) . "::${when}_reload";
    no strict 'refs';
    return $key =~ /\.pm\z/ && defined &$sub ? \&$sub : undef;
}

# Both say whether there was one.
sub _before {
    my ( undef, $key ) = @_;
    delete $state{$key};
    my $hook = _hook( before => $key ) // return '';
    $state{$key} = [ scalar $hook->( $key =~ s/\.pm\z//r =~ s{/}{::}gr ) ];
    return 1;
}

sub _after {
    my ( undef, $key ) = @_;
    my $hook = _hook( after => $key ) // return '';
    $hook->( $key =~ s/\.pm\z//r =~ s{/}{::}gr, @{ delete $state{$key} // [] } );
    return 1;
}

# Whether there is a framework that builds classes.
sub _builds_classes {
    return $INC{'Class/MOP.pm'} || $INC{'Moo.pm'} || $INC{'Role/Tiny.pm'};
}

# A class or a role, and all that is built from it; '' for other packages.
sub _relatives { my ( undef, $package ) = @_; return _builds_classes() ? Nacre::Patching::Classes::relatives($package) : '' }
sub _is_of_moo { my ( undef, $package ) = @_; return Nacre::Patching::Classes::is_of_moo($package) ? 1 : '' }
sub _take_down { my ( undef, $package ) = @_; Nacre::Patching::Classes::take_down($package); return }

# The end of a patch.
sub _put_back   { return _builds_classes() ? Nacre::Patching::Classes::put_back() : undef }
sub _keep_built { return _builds_classes() ? Nacre::Patching::Classes::forget()   : undef }

# Why the code of a package cannot be loaded again in place; '' if it can.
sub _objection {
    my ( undef, $package ) = @_;
    no strict 'refs';
    if ( my $objection = _builds_classes() && Nacre::Patching::Classes::objection($package) ) { return $objection }
    if ( $INC{'Mouse/Util.pm'} && Mouse::Util::class_of($package) ) { return "$package is a Mouse class" }
    if ( $INC{'Dancer2.pm'}   && defined &{"${package}::dancer_app"} )       { return "$package has registered routes with Dancer2" }
    if ( $INC{'Dancer.pm'}    && defined &{"${package}::dancer_version"} )   { return "$package has registered routes with Dancer" }
    if ( $INC{'Mojolicious/Lite.pm'} && defined &{"${package}::websocket"} && defined &{"${package}::under"} ) {
        return "$package has registered routes with Mojolicious::Lite";
    }
    if ( $INC{'Mojolicious.pm'} && UNIVERSAL::isa( $package, 'Mojolicious' ) ) { return "$package is a Mojolicious application" }
    if ( $INC{'Catalyst.pm'} && ( UNIVERSAL::isa( $package, 'Catalyst' ) || UNIVERSAL::isa( $package, 'Catalyst::Component' ) ) ) {
        return "$package is part of a Catalyst application";
    }
    if ( $INC{'DBIx/Class.pm'} && UNIVERSAL::isa( $package, 'DBIx::Class' ) ) { return "$package is registered with a DBIx::Class schema" }
    if ( grep { $_ eq $package } @DynaLoader::dl_modules ) { return "$package has XS code" }
    return '';
}

1;

__END__

=head1 NAME

Nacre::Patching - loads changed files again inside of a running perl

=head1 SYNOPSIS

  use Nacre;
  Nacre->check;

=head1 DESCRIPTION

What L<Nacre> does outside of the nacre server. There is nothing here for an application to call.

=head1 SEE ALSO

L<Nacre>

=cut
