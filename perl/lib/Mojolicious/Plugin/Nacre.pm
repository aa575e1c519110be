package Mojolicious::Plugin::Nacre;

use v5.16;
use strict;
use warnings;

use Nacre ();
use parent 'Mojolicious::Plugin';

our $VERSION = '0.1';

# After a change that a running program cannot take.
my %escalate = (
    none     => sub { },
    harakiri => \&_leave,
    graceful => \&_ask_the_manager,
);

sub register {
    my ( $self, $app, $options ) = @_;
    my $escalate = $escalate{ $options->{escalate} // 'none' }
        or die "Mojolicious::Plugin::Nacre: escalate is harakiri, graceful or none\n";
    $app->hook(
        before_dispatch => sub {
            my ($c) = @_;
            my $report = Nacre->check or return;

            # The answer is still that of the old code.
            $escalate->( $app, $c ) if %{ $report->{refused} };
            $app->log->info("Nacre: loaded again: @{ $report->{reloaded} }") if $report->{ok};
        }
    );
    return;
}

sub _leave {
    my ( $app, $c ) = @_;
    my $env = $c->req->env;
    if ( $env->{'psgi.version'} ) {
        $env->{'psgix.harakiri.commit'} = 1;
    }
    else {
        $c->tx->on( finish => sub { Mojo::IOLoop->stop_gracefully } );
    }
    return;
}

# hypnotoad's manager starts anew and replaces its workers; others load nothing anew.
sub _ask_the_manager {
    my ($app) = @_;
    return kill USR2 => getppid if $ENV{HYPNOTOAD_APP} && getppid != 1;
    $app->log->warn('Nacre: there is no hypnotoad to be asked for new workers: restart the server');
    return;
}

1;

__END__

=encoding utf8

=head1 NAME

Mojolicious::Plugin::Nacre - new code at the next request, in Mojolicious' own servers

=head1 SYNOPSIS

  use Nacre;    # before what shall be reloaded
  use Mojolicious::Lite;
  use My::Model;

  plugin 'Nacre', { escalate => 'graceful' };

  get '/' => sub { my $c = shift; $c->render( text => My::Model->text ) };
  app->start;

  # In an application class
  sub startup {
      my $self = shift;
      $self->plugin('Nacre');
      ...
  }

=head1 DESCRIPTION

Before each request the process looks whether a loaded file has changed, and then loads it again (L<Nacre>): models, controllers, helpers'
modules. That costs less than a microsecond as long as nothing has. Works under C<daemon>, C<prefork> and C<hypnotoad>, each process for
itself; in the nacre server, which reloads by itself, it does nothing.

The application (its class, or the routes of a L<Mojolicious::Lite> script) cannot be loaded again in a running program: Mojolicious keeps its
routes and hooks, and would get them twice. Such a change is warned of and nothing is changed; see L</escalate>. Templates are
Mojolicious' business.

Say C<use Nacre> at the very top: of files that were loaded before it, Nacre does not know which constants of others they hold.

=head1 OPTIONS

=head2 escalate

What happens after a change that a running program cannot take. Until then the old code answers.

=over

=item C<none>

Nothing but the warning. The default.

=item C<graceful>

Under L<hypnotoad|Mojo::Server::Hypnotoad> its manager is asked for a hot deployment (the signal USR2): it loads everything anew and replaces the workers
without losing a connection. Elsewhere a warning says that a restart is needed.

=item C<harakiri>

The process leaves after this answer and those that it owes to others: for a C<daemon> that systemd or another supervisor starts again. (Workers of
C<prefork> and C<hypnotoad> would be forked again from a manager with the old code.) Under a PSGI server C<psgix.harakiri.commit> is set.

=back

=head1 SEE ALSO

L<Nacre>, L<Mojolicious>

=cut
