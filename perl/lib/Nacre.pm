package Nacre;

use v5.16;
use strict;
use warnings;

our $VERSION = '0.1';

# Outside of the nacre server there is no Nacre::Host: stop hooks then wait here for the end of the process.
my @at_end;

sub generation {
    return defined &Nacre::Host::generation ? Nacre::Host::generation() : 0;
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

Nacre - what an application can ask of the server that reloads it

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

The B<nacre> server loads an application once, forks its workers from that, and does so again whenever a file has
changed. No application needs this module. It is for those who want to know which version of the code is running, or who
have something that each worker must have for itself: a database handle, a connection to a queue, a log.

The server finds this file by itself, last in C<@INC>. It needs nothing compiled: an application that says C<use Nacre>
also runs under F<plackup>, Starman or in a test, if perl can find it (C<nacre perl-lib> prints its directory):

  PERL5LIB=$(nacre perl-lib) plackup app.psgi

=head1 METHODS

=head2 Nacre->generation

The number of the generation that this process runs: 1 after the start, and one more after each reload. While the
application loads, it is the number that the code will have if it loads. Outside of the nacre server it is 0.

Call it where you need it. What a file keeps in a variable while it loads is the number of the generation that loaded that
file; later ones share the file as long as neither it nor anything loaded before it changes.

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

=back

=head1 SEE ALSO

L<nacre(1)>, L<PSGI::Extensions>

=cut
