package Nacre::Apache2;

use v5.16;
use strict;
use warnings;

use Apache2::Const -compile => 'OK';
use Apache2::Connection ();
use Apache2::Log        ();
use Apache2::MPM        ();
use Apache2::RequestRec ();
use Apache2::RequestUtil ();
use Apache2::ServerRec  ();
use Apache2::ServerUtil ();
use APR::Pool           ();
use Time::HiRes         ();

use Nacre                    ();
use Nacre::Apache2::Scripts  ();
use Nacre::Apache2::Settings ();
use Nacre::Patching          ();

our $VERSION = '0.1';

# Why nothing is loaded again; whether that was said.
my ( $problem, $is_told );

# When this module was loaded; what was seen of each touch file last (undef: that it was missing).
my $started = Time::HiRes::time();
my %touched;

# Whether something has to be done even when no file has changed; undef as long as nobody knows.
my $is_curious;

# Files of libraries that cannot be loaded again, by key.
my %is_left_out;

# A touch that has not had its effect yet, because code was running.
my $is_owed;

my $is_threaded = Apache2::MPM->is_threaded;

_begin();

sub _begin {
    eval { Nacre::Patching::begin(); 1 } or $problem = $@ =~ s/\n\z//r;
    if ( !$problem ) {
        Nacre::Patching::mind_libraries();
        Nacre::Apache2::Scripts::follow();
    }
    _answer_for_apache2_reload();
    _honour_perl5lib();

    # Before the children are forked, and in each before its first request. Fails where the server runs already.
    eval {
        my $server = Apache2::ServerUtil->server;
        $server->push_handlers( PerlPostConfigHandler => sub { _prepare(); Apache2::Const::OK } );
        $server->push_handlers( PerlChildInitHandler => sub { Nacre::Patching::changed() if !$problem; Apache2::Const::OK } );
        1;
    };
    return;
}

# Modules that say `use Apache2::Reload`, and configurations that name its handler, stay as they are.
sub _answer_for_apache2_reload {
    $INC{'Apache2/Reload.pm'} = __FILE__;
    no strict 'refs';
    no warnings qw(redefine once);
    *{"Apache2::Reload::$_"} = \&$_ for qw(import register_module unregister_module handler);
    ${'Apache2::Reload::VERSION'} = '0.14';
    return;
}

# mod_perl 2 puts what PerlSetEnv says into %ENV, but perl has looked there before.
sub _honour_perl5lib {
    my %is_there = map { $_ => 1 } @INC;
    unshift @INC, grep { length && !$is_there{$_} } split /:/, $ENV{PERL5LIB} // '';
    return;
}

# PerlInitHandler gives the request, PerlPreConnectionHandler the connection.
sub handler {
    my ($given) = @_;
    return _refuse($given) if $problem;
    # Otherwise each phase of a request may get another interpreter: mod_perl keeps one as long as it owes it a cleanup.
    $given->pool->cleanup_register( \&_let_go ) if $is_threaded && !$given->isa('Apache2::Connection');
    my $changed = Nacre::Patching::changed();
    _prepare() if !defined $is_curious;
    return Apache2::Const::OK if !defined $changed && !$is_curious;
    my $host = $given->isa('Apache2::Connection') ? $given->base_server : $given;
    eval { _look( $host, $changed ); 1 } or _log( $host, $@ );
    return Apache2::Const::OK;
}

sub _let_go { }

sub _refuse {
    my ($given) = @_;
    if ( !$is_told++ ) {
        my $host = $given->isa('Apache2::Connection') ? $given->base_server : $given;
        _log( $host, "changed modules are not loaded again: $problem" );
    }
    return Apache2::Const::OK;
}

# Looks for touch files and ReloadDebug in the configuration of each server.
sub _prepare {
    $is_curious = 0;
    for ( my $server = Apache2::ServerUtil->server; $server; $server = $server->next ) {
        my $settings = Nacre::Apache2::Settings->new( sub { $server->dir_config( $_[0] ) } );
        $is_curious = 1 if $settings->{debug} || defined $settings->{touch_file};
        _was_touched( $settings->{touch_file} ) if defined $settings->{touch_file};
    }
    Nacre::Patching::means() if !$problem;
    return;
}

sub _look {
    my ( $host, $changed ) = @_;
    my $settings = Nacre::Apache2::Settings->new( sub { $host->dir_config( $_[0] ) } );
    my $debug    = $settings->{debug} ? sub { _log( $host, @_ ) } : sub { };
    my ( $is_touched, $listed );
    if ( defined( my $file = $settings->{touch_file} ) ) {
        $is_curious = 1;
        if ( !_was_touched($file) && !$is_owed ) {
            $debug->("$file was not touched");
            return;
        }
        $is_touched = 1;
        $listed     = _list_in($file);
    }
    if ( !defined $changed ) {
        $debug->("nothing has changed (process $$)");
        return;
    }
    my ( @keys, $is_news, %is_library );
    for my $file ( split /\0/, $changed ) {
        my ( $key, $path, $is_new, $is_library, $is_asked ) = split /\x01/, $file, -1;
        next if $is_left_out{$key} || ref $INC{$key};
        my $reason = $settings->reason( $key, $path, $is_asked, $listed );
        $debug->( "$path has changed: " . ( $reason ? "$key is loaded again ($reason)" : "$key is not asked for" ) )
            if $is_new;
        next if !$reason;
        push @keys, $key;
        $is_news ||= $is_new;
        $is_library{$key} = 1 if $is_library;
    }
    _patch( $host, $settings, $debug, \@keys, \%is_library ) if @keys && ( $is_news || $is_touched );
    return;
}

sub _patch {
    my ( $host, $settings, $debug, $keys, $is_library ) = @_;
    my $report = Nacre::_report( Nacre::Patching::patch( $settings->{by_name}, @$keys ) // return );
    $report->{time} = time;
    $is_owed = @{ $report->{waiting} };
    _log( $host, $_ ) for Nacre::_complaints($report);
    _log( $host, 'the first request after the next save tries again' ) if $report->{failed};
    _log( $host, 'restart Apache for this change (apachectl graceful)' ) if %{ $report->{refused} };
    $debug->("$_ waits: its code is running") for @{ $report->{waiting} };
    if ( $report->{ok} ) {
        my $scripts = Nacre::Apache2::Scripts::renew($report);
        $debug->("process $$ reloading $_ from $INC{$_}") for @{ $report->{reloaded} };
        $debug->("$scripts registry scripts will be compiled again") if $scripts;
        if ( $settings->{constants} ) { _log( $host, "Constant subroutine $_ redefined" ) for @{ $report->{constants} } }
        return;
    }

    # A library that cannot be loaded again must not keep the project's own code from it.
    my @refused = grep { $is_library->{$_} } keys %{ $report->{refused} };
    @is_left_out{@refused} = (1) x @refused;
    my @rest = grep { !$is_left_out{$_} } @$keys;
    _patch( $host, $settings, $debug, \@rest, $is_library ) if @refused && @rest;
    return;
}

# Whether a touch file is newer than at the last look, or was missing then.
sub _was_touched {
    my ($file) = @_;
    my $now    = ( Time::HiRes::stat($file) )[9];
    my $is_new = !exists $touched{$file};
    my $before = $is_new ? $started : $touched{$file};
    $touched{$file} = $now;
    return defined $now && ( !defined $before || ( $is_new ? $now > $before : $now != $before ) );
}

# The modules that the first line of a touch file names, if it names any.
sub _list_in {
    my ($file) = @_;
    open my $from, '<', $file or return undef;
    my @modules = split ' ', <$from> // '';
    return @modules ? \@modules : undef;
}

# Each line by itself: Apache writes the end of a line as \n.
sub _log {
    my ( $host, $text ) = @_;
    my ( $first, @more ) = split /\n/, $text;
    $host->log_error("Nacre: $first");
    $host->log_error("Nacre:     $_") for @more;
    return;
}

# Why nothing is loaded again; undef if it is.
sub problem { return $problem }

sub import {
    my ($class) = @_;
    my ( $package, $file ) = caller;
    return if $package eq 'main' || $package =~ /\AApache2::ReadConfig|\AModPerl::ROOT::/;
    my ($key) = $INC{ _key($package) } ? _key($package) : grep { ( $INC{$_} // '' ) eq $file } keys %INC;
    _ask( $key // _key($package), 1 );
    return;
}

sub register_module {
    my ( $class, $module ) = @_;
    _ask( _key($module), 1 );
    return;
}

sub unregister_module {
    my ( $class, $module ) = @_;
    _ask( _key($module), 0 );
    return;
}

sub _ask {
    my ( $key, $is_wanted ) = @_;
    Nacre::Patching::set_watched( $key, $is_wanted ) if !$problem;
    return;
}

# My/App.pm for My::App; a file name stays one.
sub _key {
    my ($module) = @_;
    return $module =~ m{[./]} ? $module : $module =~ s{::}{/}gr . '.pm';
}

1;

__END__

=encoding utf8

=head1 NAME

Nacre::Apache2 - new code at the next request, in Apache with mod_perl

=head1 SYNOPSIS

  # httpd.conf, or a file for a2enconf
  #PerlSwitches -I/opt/nacre/lib/nacre/perl    # if Nacre is installed below a PREFIX of its own; see nacre perl-lib
  PerlModule Nacre::Apache2
  PerlInitHandler Nacre::Apache2

  # connection filters and protocol modules
  #PerlPreConnectionHandler Nacre::Apache2

  # only some modules
  #PerlSetVar ReloadAll Off
  #PerlSetVar ReloadModules "My::* Other::Module"

  # what happened
  #<Location /nacre-status>
  #    SetHandler modperl
  #    PerlResponseHandler Nacre::Apache2::Status
  #    Require local
  #</Location>

=head1 DESCRIPTION

Takes the place of L<Apache2::Reload>: whoever has that writes C<PerlModule Nacre::Apache2> where he had
C<PerlModule Apache2::Reload>, before the modules of the application are loaded, and leaves the rest as it is. The directives have the
same names, and C<PerlInitHandler Apache2::Reload> and C<use Apache2::Reload> in modules mean this module.

Each child looks before each request whether a loaded file has changed. If so, all that have changed are loaded again in one
transaction (L<Nacre>): imports, references to subs, inlined constants and prototypes are those of the new code, subs that are gone are
gone, and if one file does not load, everything stays as it was. F<Documentation/Patching.md> in Nacre's source tree tells what is kept and
what is refused. As long as nothing has changed no file is looked at: the kernel tells of changes.

With the threaded MPMs (worker, event) each interpreter takes new code before its own next request. The code that interpreters share is
shared no more once it has been loaded again, as under Apache2::Reload; C<apachectl graceful> makes it so again. There, prefer
C<PerlInitHandler>: after a C<PerlPreConnectionHandler> mod_perl may give the request to another interpreter.

=head2 When a reload fails

The request is answered by the old code; so are the following ones. The error log has the error, once for each child, with file and line,
and so has the page of L<Nacre::Apache2::Status>. The first request after the next save tries again. (Apache2::Reload answers with
status 500 once, and then runs the old code, or half of the new.)

A change that a running program cannot take (XS code, say) is logged with the reason. It needs a restart: C<apachectl graceful>.

=head1 DIRECTIVES

Each is set with C<PerlSetVar>, for the server or a virtual host. In a C<PerlPreConnectionHandler> no virtual host is known by its name
yet: only the settings of the server of that address and port are read.

=head2 ReloadAll (On)

All that is in C<%INC> is loaded again when it has changed. Off: only modules that have registered (L</MODULES>) and those that
C<ReloadModules> or the touch file name, which count for nothing otherwise.

=head2 ReloadModules

Names, separated by white space, in quotes. C<X::*> is what lies below C<X::>, C<My*> what begins so, C<*> everything.

=head2 ReloadDirectories

Directories, separated by white space, in quotes: only files below them are loaded again. With C<ReloadAll Off>, those of them that are
registered or named. F</srv/project1> does not mean F</srv/project10>.

=head2 ReloadTouchFile

Changed files are loaded again only at the first request after this file was touched. A file that is missing and is created later counts as
touched. With C<ReloadAll Off>, modules on its first line take the place of C<ReloadModules>.

=head2 ReloadDebug (Off)

Logs what has changed, why it is loaded again or not, and the result.

=head2 ReloadByModuleName (Off)

A changed module is looked for by its name in C<@INC> as it is now, not in the file that it came from.

=head2 ReloadConstantRedefineWarnings (Off)

On: the log names each constant whose value is another after a reload. (In Apache2::Reload it is on by default, but has no effect.)

=head2 PERL5LIB

The environment of Apache counts, as for any perl. C<PerlSetEnv PERL5LIB>, which mod_perl 2 does not give to perl, does so too if it
stands before C<PerlModule Nacre::Apache2>.

=head1 MODULES

  package My::Handler;
  use Apache2::Reload;    # or Nacre::Apache2

registers the module. The same for others:

=head2 Nacre::Apache2->register_module($module), Nacre::Apache2->unregister_module($module)

An unregistered module is not loaded again, whatever the directives say, until it is registered again. C<%INC> stays as it is. Both hold in every
child and every interpreter of it from its next request on, until Apache is restarted.

=head1 WHAT IS LEFT OUT

References in C<%INC> (a hook that leaves the path there makes its file reloadable), and libraries of perl with XS code.

=head1 REGISTRY SCRIPTS

L<ModPerl::Registry> keeps the scripts that it has compiled. Those that C<use> or C<require> a module that was loaded again are compiled
again at their next request, so that they import what it exports now; they need not be touched.

=head1 SEE ALSO

L<Nacre>, L<Nacre::Apache2::Status>, L<Apache2::Reload>

=cut
