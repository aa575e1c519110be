package Nacre::Census;

# The names of all packages, with "::" at the end. Compiled before anything that loads a module.
sub packages {
    my @open = 'main::';
    my ( @found, %seen );
    while ( defined( my $package = shift @open ) ) {
        my $stash = \%{$package};
        next if $seen{ $stash + 0 }++;
        push @found, $package;
        for my $key ( keys %$stash ) {
            next if substr( $key, -2 ) ne '::' || $key eq 'main::' || ref \$stash->{$key} ne 'GLOB';
            push @open, $package eq 'main::' ? $key : $package . $key if *{ $stash->{$key} }{HASH};
        }
    }
    return @found;
}

# What this module loads is not the application's, unless the application had loaded it before.
my ( %own_files, %own_packages );
BEGIN { @own_files{ keys %INC } = @own_packages{ packages() } = () }

use v5.16;
use strict;
use warnings;

our $VERSION = '0.1';

# Nacre's own, which stand in its processes whatever the application is.
my @host_files    = qw(Nacre/Host.pm Nacre/Census.pm Nacre/Debugger.pm);
my $host_packages = qr/\ANacre::(?:Host|Census|Debugger|PSGI)::/;

# The punctuation variables that an application sets for good; the others tell what perl did last.
my %lasting = map { ( $_ => 1 ) } '/', ',', '\\', ';', '"', '0', "\cW", "\cF", "\cX", "\cI", "\cL", "\cA";

# Not described: what caller() fills with things that are not its own, and DynaLoader's lists in the order of loading.
my %skipped = map { ( $_ => 1 ) } 'DB::args', map { "DynaLoader::dl_$_" } qw(librefs modules require_symbols shared_objects);

{
    my %found_files    = %own_files;
    my %found_packages = %own_packages;
    %own_files    = map { ( $_ => 1 ) } grep { !exists $found_files{$_} } keys %INC;
    %own_packages = map { ( $_ => 1 ) } grep { !exists $found_packages{$_} } packages();
}

sub write {
    my ( $handle, %option ) = @_;

    # perl fills %SIG when code that mentions it is compiled: here, for those who never did.
    my $signals = keys %SIG;
    my %loaded = %INC;
    delete @loaded{ @host_files, keys %own_files };
    my @packages = sort grep { !$own_packages{$_} && !/$host_packages/ } packages();
    my @include  = @INC;
    my @symbols  = map { symbols($_) } @packages;
    local ( $@, $!, $_ );
    my %exporters = %Exporter::Cache;
    require Nacre::Census::Graph;
    delete @Exporter::Cache{ grep { !exists $exporters{$_} } keys %Exporter::Cache };
    my $graph   = Nacre::Census::Graph->new( deparse => $option{deparse} || sub { 1 } );
    $graph->name_subs( map { [ $_->{name}, $_->{code} ] } grep { $_->{code} } @symbols );
    for my $symbol (@symbols) {
        $graph->name( $symbol->{SCALAR}, "\$$symbol->{name}" ) if $symbol->{SCALAR};
        $graph->name( $symbol->{ARRAY},  "\@$symbol->{name}" ) if $symbol->{ARRAY};
        $graph->name( $symbol->{HASH},   "%$symbol->{name}" )  if $symbol->{HASH};
        $graph->name( $symbol->{IO},     "*$symbol->{name}" )  if $symbol->{IO};
    }
    for my $package (@packages) {
        no strict 'refs';
        $graph->name( \%{$package}, "%$package" );
    }
    my $wants = $option{packages} || sub { 1 };
    my %wanted = map { ( $_ => 1 ) } grep { $wants->( s/::\z//r ) } @packages;
    $graph->symbol($_) for grep { $wanted{ $_->{package} } } @symbols;
    $graph->end_blocks;
    $graph->add( inc => $_, $graph->content( \$loaded{$_}, "\$INC{$_}" ) ) for sort keys %loaded;
    $graph->add( include => sprintf( '%03d', $_ ), $graph->content( \$include[$_], "\$INC[$_]" ) ) for 0 .. $#include;
    $graph->add( mro     => $_, mro::get_mro( substr $_, 0, -2 ) )
        for grep { defined &mro::get_mro && mro::get_mro( substr $_, 0, -2 ) ne 'dfs' } @packages;
    my @lines = sort $graph->lines;
    local ( $,, $\ );
    print {$handle} map { "$_\n" } @lines;
    return;
}

# What a package's stash holds: name, sub (or constant) and the other slots of each glob. Nothing is called or made.
sub symbols {
    my ($package) = @_;
    no strict 'refs';
    my $stash  = \%{$package};
    my $prefix = $package;
    my $isMain = $package eq 'main::';
    my @found;
    for my $key ( sort keys %$stash ) {
        next if substr( $key, -2 ) eq '::' || $isMain && is_perls_own($key);
        next if $skipped{"$package$key"};
        my $symbol = { name => $prefix . $key, package => $package };
        my $entry  = \$stash->{$key};
        if ( ref $entry eq 'GLOB' ) {
            $symbol->{code}  = *{$entry}{CODE};
            $symbol->{$_}    = *{$entry}{$_} for qw(SCALAR ARRAY HASH IO FORMAT);
        }
        elsif ( ref $entry eq 'REF' ) {

            # A constant, a list of constants, or (in main) a sub, without a glob.
            $symbol->{ ref $$entry eq 'CODE' ? 'code' : 'constant' } = $$entry;
        }
        elsif ( defined $$entry ) {
            $symbol->{declared} = $$entry eq '-1' ? '' : "($$entry)";
        }
        push @found, $symbol;
    }
    return @found;
}

# In main: what perl keeps there for itself, or describes elsewhere.
sub is_perls_own {
    my ($key) = @_;
    return 1 if $key =~ /\A_</ || $key =~ /\A(?:INC|stdin|stdout|stderr|_|ENV|ARGVOUT)\z/ && $key ne 'ENV';
    return $key =~ /\A[^A-Za-z_]/ && !$lasting{$key};
}

1;

__END__

=encoding utf8

=head1 NAME

Nacre::Census - one description of all the state of an interpreter, for comparing two of them

=head1 SYNOPSIS

  my $process = fork // die "no fork: $!";
  if ( !$process ) {
      require Nacre::Census;
      open my $lines, '>', '/tmp/census' or die $!;
      Nacre::Census::write( $lines, deparse => sub { $_[0] =~ m{^/srv/app/} } );
      close $lines;
      kill KILL => $$;
  }
  waitpid $process, 0;

=head1 DESCRIPTION

Two processes that have loaded the same code in the same way, one after a cold start and one by a rewind, or one with its
libraries loaded first, must not differ in anything that Perl code can see. C<write> describes what there is, as sorted
lines of text, so that C<diff> answers the question:

  KIND <tab> NAME <tab> VALUE

C<KIND> is C<sub>, C<scalar>, C<array>, C<hash>, C<handle>, C<format>, C<closed> (a variable that a sub has closed over, or
its C<state>), C<end> (an C<END> block), C<inc> (an entry of C<%INC>), C<include> (one of C<@INC>) or C<mro>. Every element of
every structure has a line of its own, named by the way to it: C<< $App::routes->[2]->{code} >>.

Nothing of the description depends on addresses, on the order of hashes, or on what perl does lazily (constants that become
real subs, cached methods, variables that are only mentioned). A reference to something that is described elsewhere names
that place, so it shows whether two variables share one value or hold two equal ones.

=head2 Nacre::Census::write( $handle, %options )

Call it in a forked child: it loads L<B> and L<B::Deparse>, and looking at a value may change how perl keeps it. Packages that
are there for its sake only are left out. Options:

=over

=item deparse => sub { my ($file) = @_; ... }

Whether the subs that this file compiled are described by their source text (L<B::Deparse>), which takes about a fifth of a
millisecond for each. For the others a digest of the op tree must do. By default all are.

=item packages => sub { my ($package) = @_; ... }

Whether what is in this package (C<My::App>) is described. That of others is only named where something leads to it. By default all are.

=back

=head1 WHAT IS LEFT OUT

C<$^T>, C<$$>, C<$!>, C<$@>, what the last match or read left behind, the state of C<rand>, the numbers of file descriptors, and
lexical variables that no sub can reach. What an application makes of the order of a hash (a list of its keys) is part of its
state: give both processes the same C<PERL_HASH_SEED>, or fork them from one. Tied variables are described by the object behind them, and no magic is called.

=cut
