package Plack::Middleware::Nacre;

use v5.16;
use strict;
use warnings;

use Nacre ();
use parent 'Plack::Middleware';
use Plack::Util::Accessor qw(escalate);

our $VERSION = '0.1';

my %escalate = (
    none     => sub { },
    harakiri => \&_leave,
    graceful => \&_ask_the_master,
);

sub prepare_app {
    my ($self) = @_;
    $self->escalate('none') if !defined $self->escalate;
    $escalate{ $self->escalate } or die "Plack::Middleware::Nacre: escalate is harakiri, graceful or none\n";
    return;
}

sub call {
    my ( $self, $env ) = @_;
    my $report = Nacre->check;

    # The answer is still that of the old code.
    $escalate{ $self->escalate }->($env) if $report && %{ $report->{refused} };
    return $self->app->($env);
}

sub _leave {
    my ($env) = @_;
    return $env->{'psgix.harakiri.commit'} = 1 if $env->{'psgix.harakiri'};
    warn "Nacre: this server cannot replace a worker (psgix.harakiri): restart it\n";
    return;
}

# The parent of a server without workers is somebody's shell.
sub _ask_the_master {
    my ($env) = @_;
    return kill HUP => getppid if $env->{'psgi.multiprocess'} && getppid != 1;
    warn "Nacre: this server has no master that could be asked for new workers: restart it\n";
    return;
}

1;

__END__

=head1 NAME

Plack::Middleware::Nacre - new code at the next request, in any PSGI server

=head1 SYNOPSIS

  use Nacre;
  use Plack::Builder;
  use My::App;

  builder {
      enable 'Nacre', escalate => 'harakiri';
      sub { My::App->answer(@_) };
  };

=head1 DESCRIPTION

For Starman, uWSGI, plackup and others, where the nacre server cannot be used: each worker looks before each request whether a file has
changed, and then loads it again (L<Nacre>). That costs less than a microsecond as long as nothing has. In the nacre server it does
nothing.

C<app.psgi> itself is never loaded again: keep it short.

=head1 OPTIONS

=head2 escalate

What happens after a change that a running program cannot take (XS code, say). Until then the old code answers.

=over

=item C<none>

Nothing but the warning. The default.

=item C<harakiri>

The worker leaves after this request (C<psgix.harakiri>), and the server starts another one. In a server that loads the
application in each worker that has the new code.

=item C<graceful>

The parent process is sent HUP, which Starman and uWSGI understand as: new workers. With C<--preload-app> Starman does not load anything anew
for them.

=back

=head1 SEE ALSO

L<Nacre>, L<PSGI::Extensions>

=cut
