package Nacre;

use v5.16;
use strict;
use warnings;

our $VERSION = '0.1';

# Outside of the nacre server there is no Nacre::Host: stop hooks then wait here for the end of the process.
my @at_end;

# Why there is no patching; whether it has begun; what it did last; how often new code came to life.
my ( $problem, $begun, $last_reload );
my $patches = 0;

# Whether the nacre server runs this process: it reloads by itself.
sub _is_served { return defined &Nacre::Host::generation }

sub import {
    my ( $class, @words ) = @_;
    my ($unknown) = grep { $_ ne 'auto' } @words;
    if ( defined $unknown ) {
        require Carp;
        Carp::croak("Nacre knows no '$unknown': it is `use Nacre` or `use Nacre 'auto'`");
    }
    return if _is_served();
    if (@words) {
        _need_patching();
        Nacre::Patching::look_between_passes();
    }
    return if !_can_patch();
    my ( $package, $file ) = caller;
    _watch( $package, 1 ) if $package ne 'main';
    return;
}

# `use Nacre` must not keep an application from running where Nacre.so is not built.
sub _can_patch {
    require Nacre::Patching;
    state $can = eval { Nacre::Patching::begin(); 1 } // do { $problem = $@; 0 };
    return $can;
}

sub _watch {
    my ( $module, $is_watched ) = @_;
    Nacre::Patching::set_watched( _key($module), $is_watched );
    return;
}

# My/App.pm for My::App; a file name stays one.
sub _key {
    my ($module) = @_;
    return $module =~ m{[./]} ? $module : $module =~ s{::}{/}gr . '.pm';
}

sub _need_patching {
    return 0 if _is_served();
    return 1 if _can_patch();
    require Carp;
    Carp::croak( $problem =~ s/\n\z//r );
}

sub check {
    return if !$begun && !_need_patching();
    $begun = 1;
    return _tell( Nacre::Patching::check() // return );
}

# Between two passes of the program's outermost loop: it must not notice.
sub _pass {
    local ( $@, $!, $?, $_ );
    Nacre->check;
    return;
}

sub reload {
    my ( $class, @modules ) = @_;
    return if !_need_patching();
    return _tell( Nacre::Patching::reload( map { _key($_) } @modules ) // return );
}

sub register_module {
    my ( $class, @modules ) = @_;
    return if !_need_patching();
    _watch( $_, 1 ) for @modules;
    return;
}

sub unregister_module {
    my ( $class, @modules ) = @_;
    return if !_need_patching();
    _watch( $_, 0 ) for @modules;
    return;
}

sub last_reload { return $last_reload }
sub patches     { return $patches }

sub before_reload { return _hook( before => @_ ) }
sub after_reload  { return _hook( after  => @_ ) }

sub _hook {
    my ( $when, $class, @given ) = @_;
    my $hook   = pop @given;
    my $module = shift @given // caller 1;
    if ( ref $hook ne 'CODE' ) {
        require Carp;
        Carp::croak("Nacre->${when}_reload takes a code reference");
    }
    require Nacre::Patching;
    Nacre::Patching::set_hook( $when, _key($module), $hook );
    return;
}

# What a report says, as a hash; a failure is told once.
sub _tell {
    my ($described) = @_;
    my $report = _report($described);
    warn "Nacre: $_\n" for _complaints($report);
    return $report;
}

sub _report {
    my ($described) = @_;
    my %field = map { my ( $name, @values ) = split /\x01/, $_, -1; ( $name => \@values ) } split /\0/, $described;
    my %report = map { $_ => $field{$_} } qw(reloaded loaded waiting constants scripts);
    $report{refused} = { @{ $field{refused} } };
    @{ $report{milliseconds} }{qw(examine load settle)} = @{ $field{milliseconds} };
    @{ $report{failed} }{qw(file line message)} = @{ $field{failed} } if $field{failed};
    $report{ok} = !$report{failed} && !%{ $report{refused} } && !@{ $report{waiting} };
    $patches++ if $report{ok};
    return $last_reload = \%report;
}

# What somebody should know about a report: texts without the last line's end.
sub _complaints {
    my ($report) = @_;
    my $failed  = $report->{failed};
    my $refused = $report->{refused};
    return (
        ( $failed ? 'the old code runs on: ' . $failed->{message} =~ s/\n\z//r : () ),
        map {"$_ is not loaded again: $refused->{$_}"} sort keys %$refused
    );
}

sub generation {
    return _is_served() ? Nacre::Host::generation() : 1 + $patches;
}

sub on_worker_start {
    my ( $class, $hook ) = @_;
    return if _noted( start => $hook, caller );

    # Nobody else will call it: this is a worker that serves already, or another server.
    $hook->() unless $^C;
    return;
}

sub on_worker_stop {
    my ( $class, $hook ) = @_;
    return if _noted( stop => $hook, caller );
    push @at_end, [ $$, $hook ];
    return;
}

# Whether the nacre server will call the hook.
sub _noted {
    my ( $kind, $hook, undef, $file, $line ) = @_;
    if ( ref $hook ne 'CODE' ) {
        require Carp;
        Carp::croak("Nacre->on_worker_$kind takes a code reference");
    }
    return defined &Nacre::Host::add_hook && Nacre::Host::add_hook( $kind, $hook, $file, $line );
}

END {
    # A forked child has its parent's hooks, but did not register them.
    while ( my $entry = pop @at_end ) {
        my ( $process, $hook ) = @$entry;
        next if $process != $$;
        local ( $@, $? );
        eval { $hook->(); 1 } or warn $@;
    }
}

1;

__END__

=encoding utf8

=head1 NAME

Nacre - new code in a running program

=head1 SYNOPSIS

  # app.psgi
  use v5.16;
  use Nacre;

  my $log;
  Nacre->on_worker_start( sub { open $log, '>>', "/tmp/nacre-example.log" or die "no log: $!" } );
  Nacre->on_worker_stop( sub { close $log } );

  sub {
      my ($env) = @_;
      push @{ $env->{'psgix.cleanup.handlers'} }, sub { print {$log} "served $_[0]{PATH_INFO}\n" };
      [ 200, [ 'Content-Type' => 'text/plain' ], [ 'generation ', Nacre->generation, "\n" ] ];
  };

=head1 DESCRIPTION

Nacre keeps Perl programs on their newest code, in two ways.

The B<nacre> server (L<nacre(1)>) runs a PSGI application and starts it anew from a snapshot whenever a file has changed. No application
needs this module for that. It is for those who want to know which version of the code is running, or who have something that each
worker must have for itself: see L</IN THE NACRE SERVER>.

Any other program can load changed files again inside of itself, in one transaction that keeps the address of every sub: see
L</IN ANY OTHER PROGRAM>. F<Documentation/Patching.md> in Nacre's source tree tells what is kept, what is refused, and how it works.

The server finds this file by itself, last in C<@INC>. Elsewhere C<nacre perl-lib> prints its directory:

  PERL5LIB=$(nacre perl-lib) perl daemon.pl

=head1 IN ANY OTHER PROGRAM

  use v5.16;
  use Nacre;
  use My::Worker;

  while ( my $job = My::Worker->next_job ) {
      Nacre->check;
      $job->run;
  }

Load Nacre before the modules that it shall reload: what it sees being loaded it knows best. What was loaded before is taken from
C<%INC>; a file that is newer than the start of the program (C<$^T>) then counts as changed.

All files outside of perl's own library directories are watched, and modules that say C<use Nacre> wherever they are. In the nacre
server, which reloads by itself, these methods do nothing.

Each thread (L<threads>) patches itself when it calls C<check>.

=head2 use Nacre 'auto'

  perl -MNacre=auto script.pl

Calls C<check> by itself, for a program that nobody wants to change: between two passes of its outermost loop (C<while>, C<until>, C<for>),
at most once in a few milliseconds, so always after a pass that had to wait for something. Inner loops, and loops in a file that is being loaded, in a
sort block, a tied variable's methods or a destructor, do not count: there the program is in the middle of something. So is code
in files without a loop around it: a program whose loop is in C (L<EV>) calls C<check> where it suits. Loops that were compiled before
do not count either: use C<-MNacre=auto>, or say it at the top.

The main program itself is never loaded again, and what it holds of constants cannot be changed: such a change is warned of. It costs some
20 ns for each pass of any loop (a look at the kernel's coarse clock).

=head2 Nacre->check

Loads what has changed again, and returns a report, or nothing (C<undef>) if nothing has changed: that costs half a microsecond, however
many modules there are. Call it where no code of yours is in the middle of something: before each job, at the start of a request.

The report is a hash:

=over

=item C<ok>

Whether the new code runs.

=item C<reloaded>, C<loaded>

The C<%INC> keys of what was loaded again, in load order, and of what was loaded for the first time.

=item C<failed>

Only if new code could not be loaded: C<file>, C<line> and C<message>. The old code runs on, and everything is as it was. It is also
told as a warning, once; the next save tries again.

=item C<refused>

Reasons by C<%INC> key, if there are changes that a running program cannot take. Nothing was changed. Warned of, once.

=item C<waiting>

The keys of changed files of which code is running at this moment. The next check tries again.

=item C<constants>

The full names of constants that have another value now.

=item C<milliseconds>

How long it took to C<examine>, C<load> and C<settle>.

=back

=head2 Nacre->reload( @modules )

As C<check>, and loads these modules (C<My::App>) again even if they have not changed. Nothing is returned if none of them is loaded
and nothing has changed.

=head2 Nacre->last_reload

The last report, or C<undef>.

=head2 Nacre->patches

How many reloads have brought new code to life in this interpreter, those included that its parent had when it was forked or cloned.

=head2 Nacre->register_module( @modules ), Nacre->unregister_module( @modules )

Modules whose changes count, wherever their files are; and modules whose changes do not count: in this process, its threads, and processes
that were forked after Nacre was loaded, from their next check on. C<use Nacre> in a module registers
it.

=head2 Nacre->before_reload( [$module,] sub { ... } ), Nacre->after_reload( [$module,] sub { ... } )

Hooks for state that must move, of the package that calls or of C<$module>. The one before is called with the module's name and what it
returns is given to the one after, behind the name:

  package My::Counter;
  use Nacre;
  my %count;
  Nacre->before_reload( sub { \%count } );
  Nacre->after_reload( sub { my ( $module, $old ) = @_; %count = %$old } );

Class methods C<before_reload> and C<after_reload> do the same. If a hook dies, the reload is taken back.

=head1 EVERYWHERE

=head2 Nacre->generation

The number of the code that runs: 1 after the start, and one more after each reload that has succeeded.

In the nacre server it is that of the generation, the same in all workers. While the application loads, it is the number that the code will
have if it loads. Elsewhere each interpreter counts for itself, since each takes new code at its own boundary: a thread or an Apache
child that has been idle may take two saves in one reload, and then has a smaller number for the same code.

Call it where you need it. What a file keeps in a variable while it loads is the number of the code that loaded that
file; in the server, later generations share the file as long as neither it nor anything loaded before it changes.

=head1 IN THE NACRE SERVER

=head2 Nacre->on_worker_start( sub { ... } )

Has the sub called, without arguments, in each worker, before it gets its first request. Register it while the application
loads, in any file. Hooks run in the order in which they were registered. What they load is watched for changes.

  my $dbh;
  Nacre->on_worker_start( sub { $dbh = DBI->connect( $dsn, $user, $password, { RaiseError => 1 } ) } );

All workers of a new generation start before it takes over. If a hook dies, calls C<exit>, or is not done within
C<--load-timeout> seconds, the generation is rejected just as if the code had not compiled, and the report names the
hook's file and line. In development the report answers every request until something is saved; in production
the generation before serves on. If a worker must be replaced later and its hook fails then, that is logged, and tried again
after 1, 2, 3 ... 10 seconds; the other workers go on.

Registered in a worker that runs already (in a file that is loaded by a request, say), the sub is called at once.

=head2 Nacre->on_worker_stop( sub { ... } )

Has the sub called in each worker that leaves: because its generation is retired, because the server stops, because the
application asked for it (C<psgix.harakiri.commit>) or called C<exit>. Hooks run in the reverse order of registration, before the
C<END> blocks. One that dies is logged and keeps no other from running.

A worker that is killed runs none, nor does one that never served: a start hook failed in it, or its generation was
rejected before it took over.

=head2 Outside of the nacre server

A start hook runs at once, except under C<perl -c>, and a stop hook when the process that registered it ends. So each process
of a server that loads the application in its workers (F<plackup>, Starman without C<--preload-app>) has what the hook provides.

=head1 WHAT THE ENVIRONMENT OFFERS

=over

=item C<psgix.cleanup>

Subs that are pushed to C<< $env->{'psgix.cleanup.handlers'} >> are called with C<$env> when the response is on its way. The
client does not wait for them, and its next request on the same connection goes to another worker if one is idle; this worker
takes no request before they are done. One that dies is logged (to C<psgi.errors>) and keeps no other from running. They also run
after a streamed response, and after an application that died.

=item C<psgix.harakiri>

If C<< $env->{'psgix.harakiri.commit'} >> is true when the response and the cleanup handlers are done, the worker leaves, with
its stop hooks and C<END> blocks, and another one takes its place. The client's connection stays open.

=item C<psgix.io>

The client's connection, an L<IO::Socket> that waits for what it reads and writes; with TLS, what is in it. For WebSockets and other
protocols that begin as HTTP, return a sub that writes C<101 Switching Protocols> there itself, and never calls its responder:

    return sub {
        my $io = $env->{'psgix.io'};
        syswrite $io, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";
        while ( sysread $io, my $text, 4096 ) { syswrite $io, uc $text }
    };

The connection is closed when the sub returns. It takes the worker until then: C<--timeout> counts, and code that is newer waits for
that worker as for any other request. An application that only looks at the connection and then responds keeps it open. There is none
for HTTP/2.

=item C<psgix.informational>

C<< $env->{'psgix.informational'}->(103, [ Link => '</app.css>; rel=preload' ]) >> sends an informational response before the response,
as in Starman. Clients of HTTP/1.0 are sent none. Dies once the response has begun, and for C<101>.

=back

=head1 SEE ALSO

L<nacre(1)>, L<PSGI::Extensions>

=cut
