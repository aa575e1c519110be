package Nacre::Selective;

use v5.16;
use strict;
use warnings;

use Carp   ();
use Config ();
use Nacre  ();

our $VERSION = '0.1';

# As Module::Reload::Selective has them; under its names, too.
our ( $Options, $Debug );

BEGIN {
    no warnings 'once';
    $Options = $Module::Reload::Selective::Options // {};
    $Debug   = $Module::Reload::Selective::Debug   // {};
    *Module::Reload::Selective::Options = \$Options;
    *Module::Reload::Selective::Debug   = \$Debug;
    *Module::Reload::Selective::import  = sub { };
    *Module::Reload::Selective::reload  = \&reload;
    $INC{'Module/Reload/Selective.pm'} //= __FILE__;

    # perl's own directories: Debian's have no `lib/perl` in their names.
    my %is_library = map { $_ => 1 } grep {length} @Config::Config{qw(privlibexp archlibexp vendorlibexp vendorarchexp sitelibexp sitearchexp)};
    my %default = (
        ReloadOnlyIfEnvVarsSet   => 1,
        SearchProgramDir         => 1,
        SearchUserDir            => 1,
        DontReloadIfPathContains => [ 'lib/perl', sort( keys %is_library ), grep { !ref && m{/perl-base\z} } @INC ],
        FirstAdditionalPaths     => [],
        LastAdditionalPaths      => [],
        User                     => '',
        DefaultUser              => $ENV{RELOAD_USER} || $ENV{USER} || $ENV{REMOTE_USER},
        UserDirTemplate          => '/home/USER/src/lib',
    );
    $Options->{$_} //= $default{$_} for keys %default;
}

# What it sees being loaded it knows best.
Nacre::_can_patch() if !Nacre::_is_served();

# A method or a function: the class is no module to reload.
sub reload {
    my @modules = grep { $_ ne __PACKAGE__ && $_ ne 'Module::Reload::Selective' } @_;
    return if !@modules;
    $Debug = {};
    my $because = _why_not();
    return _load( $because, @modules ) if defined $because;
    Nacre::_need_patching();
    local @INC = ( _additional_directories(), @INC );
    $Debug->{INCArrayAfterModification} = [@INC];
    my %before = %INC;
    my $is_ok  = eval { _reload( map { s{::}{/}gr . '.pm' } @modules ); 1 };
    my $error  = $@;
    _note( \%before );
    die $error if !$is_ok;
    return _import(@modules);
}

# Read at each call; why modules are loaded as `use` would.
sub _why_not {
    return 'The nacre server reloads by itself.' if Nacre::_is_served();
    return undef if $ENV{DEBUGGING_SERVER} || $ENV{RLD} || !$Options->{ReloadOnlyIfEnvVarsSet};
    return 'No environment variables were set.';
}

sub _load {
    my ( $because, @modules ) = @_;
    $Debug->{Reload_Disabled_Because} = $because;
    require( s{::}{/}gr . '.pm' ) for @modules;
    return _import(@modules);
}

# Into a package of nobody's: the caller says what it wants to import.
sub _import {
    package Nacre::Selective::Imports;
    my $value;
    $value = $_->import for @_;
    return $value;
}

sub _additional_directories {
    my @directories = @{ $Options->{FirstAdditionalPaths} // [] };
    push @directories, _program_directory() if $Options->{SearchProgramDir};
    push @directories, _user_directory()    if $Options->{SearchUserDir};
    return ( @directories, @{ $Options->{LastAdditionalPaths} // [] } );
}

sub _program_directory {
    my ($directory) = $0 =~ m{\A(.*/)};
    $directory = './' if !defined $directory && -f $0;
    return defined $directory && -d $directory ? $directory : ();
}

sub _user_directory {
    my $user = $Options->{User} || $Options->{DefaultUser};
    return if !defined $user || !length $user;

    # It may be REMOTE_USER, which a browser has sent.
    if ( $user =~ m{/|\0|\A\.\.?\z} ) {
        Carp::carp("Nacre::Selective: '$user' is no name of a user; no directory of that name is searched");
        return;
    }
    my $directory = ( $Options->{UserDirTemplate} // '' ) =~ s/\bUSER\b/$user/gr;
    return length $directory && -d $directory ? $directory : ();
}

# Loads these files, and what they use, whether or not it has changed. What they use may be other files then.
sub _reload {
    my @keys = @_;
    my %is_loaded;
    for my $key (@keys) {
        next if exists $INC{$key};
        my %before = %INC;
        require $key;
        $is_loaded{$_} = 1 for grep { !$before{$_} } keys %INC;
    }
    while ( my @next = grep { !$is_loaded{$_} } _reachable(@keys) ) {
        @is_loaded{@next} = (1) x @next;
        my @forced = Nacre::Patching::force(@next) or last;
        my $report = Nacre::_report( Nacre::Patching::patch( 1, @forced ) // last );
        die $report->{failed}{message} if $report->{failed};
        if ( !$report->{ok} ) {
            $Debug->{Refused} = { %{ $report->{refused} }, map { $_ => 'its code is running' } @{ $report->{waiting} } };
            Carp::carp("Nacre::Selective: $_ is not loaded again: $Debug->{Refused}{$_}") for sort keys %{ $Debug->{Refused} };
            last;
        }
        @is_loaded{ @{ $report->{reloaded} } } = (1) x @{ $report->{reloaded} };
        $Debug->{GotLoaded}{$_} = $INC{$_} for @{ $report->{reloaded} };
    }
    return;
}

# These files and all that they use, but for what DontReloadIfPathContains names and Nacre itself.
sub _reachable {
    my @keys = @_;
    my ( %is_known, @found );
    while ( defined( my $key = shift @keys ) ) {
        next if $is_known{$key}++ || $key =~ m{\ANacre\b|\AModule/Reload/Selective\.pm\z} || !_may_be_loaded($key);
        push @found, $key;
        push @keys,  Nacre::Patching::uses($key);
    }
    return @found;
}

sub _may_be_loaded {
    my ($key) = @_;
    my $path = $INC{$key} // return 0;
    return !ref $path && !grep { index( $path, $_ ) >= 0 } @{ $Options->{DontReloadIfPathContains} // [] };
}

# What Module::Reload::Selective tells of the last reload.
sub _note {
    my ($before) = @_;
    my %got = ( %{ $Debug->{GotLoaded} // {} }, map { $_ => $INC{$_} } grep { !exists $before->{$_} } keys %INC );
    $Debug->{INCHashBefore} = $before;
    $Debug->{INCHashAfter}  = {%got};
    $Debug->{GotLoaded}     = {%got};
    $Debug->{NewlyLoaded}   = { map { $_ => $got{$_} } grep { !exists $before->{$_} } keys %got };
    $Debug->{Reloaded}      = { map { $_ => $got{$_} } grep { exists $before->{$_} } keys %got };
    $Debug->{NotReloaded}   = { map { $_ => $before->{$_} } grep { !exists $got{$_} } keys %$before };
    $Debug->{LastLoadTime}  = localtime() . '';
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

Nacre::Selective - the newest code of some modules, when asked for

=head1 SYNOPSIS

  use Nacre::Selective;
  Nacre::Selective->reload(qw(My::Module));
  import My::Module (qw(this that));

  RLD=1 perl index.cgi

=head1 DESCRIPTION

Takes the place of L<Module::Reload::Selective>: whoever has that writes C<use Nacre::Selective> where he had
C<use Module::Reload::Selective>. Calls of C<< Module::Reload::Selective->reload >>, C<$Module::Reload::Selective::Options> and
C<$Module::Reload::Selective::Debug> mean this module then.

In production C<reload> loads the modules as C<use> does, once. With the environment variable C<RLD> or C<DEBUGGING_SERVER>, or without
the option C<ReloadOnlyIfEnvVarsSet>, it loads them B<each time>, and all that they use, whether or not a file has changed, and looks first in
directories of the developer's own. All of that is looked at anew at each call.

It is done by L<Nacre>: references to subs, imports and inlined constants are those of the new code, nothing is warned of that is defined
again, and if a file does not load, C<reload> dies with perl's message and everything is as it was. In the nacre server, which
reloads by itself, modules are only loaded.

=head2 Nacre::Selective->reload(@modules)

Also as a function. Calls each module's C<import> at the end, without arguments and for no use of yours: import what you need yourself.
What a running program cannot take (F<Documentation/Patching.md> in Nacre's source tree) is warned of and stays as it was.

What a module uses is what its load was seen to ask for. If it was loaded before Nacre, that is what its source names.

=head1 OPTIONS

Elements of C<$Nacre::Selective::Options>, before or after this module is loaded:

=over

=item C<ReloadOnlyIfEnvVarsSet> (1)

0: always reload.

=item C<SearchProgramDir> (1)

Search the directory of the program (C<$0>) before C<@INC>.

=item C<SearchUserDir> (1)

Then that of a user, if it exists.

=item C<User> (empty), C<DefaultUser> (the environment's C<RELOAD_USER>, C<USER> or C<REMOTE_USER>), C<UserDirTemplate> (F</home/USER/src/lib>)

Which one: C<USER> stands for the name. A name with a slash is refused.

=item C<FirstAdditionalPaths>, C<LastAdditionalPaths> (empty lists)

Directories to search before and after those two. C<@INC> is as before when C<reload> returns.

=item C<DontReloadIfPathContains>

What was loaded from a path with one of these strings is not loaded again: C<lib/perl> and the library directories of this perl.

=back

=head1 WHAT HAPPENED

Elements of C<$Nacre::Selective::Debug>. Hashes are as C<%INC>: keys and files.

=over

=item C<INCHashBefore>, C<INCHashAfter>

C<%INC> before, and what was loaded.

=item C<NewlyLoaded>, C<Reloaded>, C<NotReloaded>, C<GotLoaded>

What was not there before, what was, what was left alone, and the first two together.

=item C<INCArrayAfterModification>

C<@INC> as it was during the reload.

=item C<LastLoadTime>

When.

=item C<Reload_Disabled_Because>

Why modules were only loaded.

=item C<Refused>

Not in Module::Reload::Selective: reasons by file, for what cannot be loaded again.

=back

=head1 SEE ALSO

L<Nacre>

=cut
