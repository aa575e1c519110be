package Nacre::Host;

use v5.16;
use strict;
use warnings;

our $VERSION = '0.1';

# Under perl -d: the debugger prompts before the first statement of the program.
require Nacre::Debugger if defined &DB::readline;

# The program of the server's Perl processes. nacre starts it as
#   perl -I<this library> -MNacre::Host -e 'Nacre::Host::main()' -- so=... channel=... scoreboard=... inotify=... nacre=...
sub main {
    my %given = map { split /=/, $_, 2 } @ARGV;
    @ARGV = ();

    # The application sees @INC as under plackup; Nacre's own modules come last.
    my $own = __FILE__ =~ s{/Nacre/Host\.pm\z}{}r;
    @INC = ( ( grep { $_ ne $own } @INC ), $own );
    load_library( $given{so} );
    run( \&load_application, @given{qw(nacre channel scoreboard inotify)} );
}

# DynaLoader's functions are built into perl: DynaLoader.pm and what it loads stay out of the application's %INC.
sub load_library {
    my ($file) = @_;
    DynaLoader::boot_DynaLoader('DynaLoader')
        if defined &DynaLoader::boot_DynaLoader && !defined &DynaLoader::dl_error;
    my $library = DynaLoader::dl_load_file( $file, 0 )
        or die "Nacre cannot load $file: ", DynaLoader::dl_error(), "\n";
    my $boot = DynaLoader::dl_find_symbol( $library, 'boot_Nacre' )
        or die "Nacre cannot use $file: it has no boot_Nacre\n";
    DynaLoader::dl_install_xsub( 'Nacre::Host::bootstrap', $boot, $file )->('Nacre::Host');
}

# Loads the application as plackup does (Plack::Util::load_psgi) and returns it as a code reference.
sub load_application {
    add_hook( start => \&Nacre::Debugger::set_breakpoints, __FILE__, __LINE__ )
        if defined &Nacre::Debugger::set_breakpoints;
    my %setting  = split /\0/, settings(), -1;
    my @includes = split /\x01/, $setting{include};
    if (@includes) {
        require lib;
        lib->import(@includes);
    }
    preload( $setting{file} );
    for my $module ( split /\x01/, $setting{modules} ) {
        my ( $name, $imports ) = split /=/, $module, 2;
        my $use = $name =~ s/^-// ? 'no' : 'use';
        my $list = defined $imports ? "split(/,/,q\0$imports\0)" : '';
        eval "package main; $use $name $list; 1" or die $@;
    }
    my $application = length $setting{code} ? evaluate( @setting{qw(code file)} ) : load_file( $setting{file} );
    return surround( as_code($application), $setting{path} );
}

# Loads what the application is known to ask for before it asks, as if each file were asked for by it: with its @INC and
# its $0. Nothing is imported. (The op that requires must be compiled after the extension was loaded.)
sub preload {
    my ($file) = @_;
    defined( my $next = begin_preload() ) or return;
    my @own     = @INC;
    my %own     = %ENV;
    my $changes = '';
    my $require = eval 'sub { require $_[0]; 1 }';
    local $0    = length $file ? $file : $0;
    local @ARGV = ();
    do {
        my ( $key, $environment, $includes ) = split /\0/, $next, -1;
        if ( $environment ne $changes ) {
            %ENV = %own;
            for my $change ( split /\x01/, $environment ) {
                my ( $name, $value ) = split /=/, $change, 2;
                defined $value ? ( $ENV{$name} = $value ) : delete $ENV{$name};
            }
            $changes = $environment;
        }
        @INC = split /\x01/, $includes, -1;
        local ( $@, $!, $_ );
        end_preload( !enter_preload() || eval { $require->($key) } ? '' : "$@" );
    } while defined( $next = begin_preload() );
    @INC = @own;
    %ENV = %own if length $changes;
    seal_preload();
    return;
}

# In a process of its own: describes the interpreter, and compares that with other descriptions.
sub take_census {
    my ( undef, $first_is_natural, @descriptors ) = @_;
    my $own = __FILE__ =~ s{/Nacre/Host\.pm\z}{}r;
    require "$own/Nacre/Preload.pm";
    return Nacre::Preload::compare_census( $first_is_natural, @descriptors );
}

# plackup's --path, by Plack's own means.
sub surround {
    my ( $application, $path ) = @_;
    return $application if ref $application ne 'CODE';
    if ( length $path ) {
        require Plack::App::URLMap;
        my $map = Plack::App::URLMap->new;
        $map->map( $path => $application );
        $application = $map->to_app;
    }
    return $application;
}

sub load_file {
    my ($_file) = @_;
    my $_package = $_file =~ s/([^A-Za-z0-9_])/sprintf("_%2x", unpack("C", $1))/egr;
    local $0    = $_file;
    local @ARGV = ();
    my $application = eval sprintf <<'END_OF_SANDBOX', $_package;
package Plack::Sandbox::%s;
{
    my $app = do $_file;
    if ( !$app ) {
        die $@ if $@;

        # $! tells why the file could not be opened, but also what failed last in a file that was loaded.
        my $error = $!;
        die "$_file: $error\n" if !-r $_file;
    }
    $app;
}
END_OF_SANDBOX
    die $@ if $@;
    return $application;
}

# plackup -e: the code stands in a builder block if Plack is installed, and may wrap the application given beside it.
our $wrapped;

sub evaluate {
    my ( $code, $file ) = @_;
    local $wrapped = $file;
    my $inner = length $file ? 'Nacre::Host::load_file($Nacre::Host::wrapped)' : '';
    my $block
        = eval { require Plack::Builder; 1 }
        ? "Plack::Builder->import; Plack::Builder::builder { $code\n;$inner }"
        : "do { $code\n;$inner }";
    my $application = eval "package main; no strict; no warnings; $block";
    die $@ if $@;
    return $application;
}

# What PSGI servers accept as an application: a code reference, a Plack component, an object that acts as code.
sub as_code {
    my ($application) = @_;
    return $application if !ref $application || ref $application eq 'CODE';
    require Scalar::Util;
    my $is_object = Scalar::Util::blessed($application);
    return $application->to_app if $is_object && $application->can('to_app');
    return sub { $application->(@_) }
        if $is_object && overload::Method( $application, '&{}' );
    return $application;
}

1;

__END__

=head1 NAME

Nacre::Host - the program of the Perl processes of the nacre server

=head1 SYNOPSIS

  nacre app.psgi

=head1 DESCRIPTION

C<nacre> starts perl with this module. It loads the Nacre extension, which from then on follows what the application
loads, keeps checkpoints of the process and forks the workers. There is nothing here for an application to call.

=head1 SEE ALSO

L<nacre(1)>

=cut
