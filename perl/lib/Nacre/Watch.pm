package Nacre::Watch;

use v5.16;
use strict;
use warnings;

use Carp  ();
use Cwd   ();
use Nacre ();

our $VERSION = '0.1';

sub new {
    my ( $class, %given ) = @_;
    my $self = bless { files => {} }, $class;
    $self->add($_) for @{ $given{modules} // [] };
    return $self;
}

sub add {
    my ( $self, $module ) = @_;
    my $key = $module =~ s{::}{/}gr . '.pm';

    # Where perl would find it, the current directory first; @INC is only read.
    my ($file) = grep { -f $_ } $key, map { ref $_ ? () : "$_/$key" } @INC;
    Carp::croak("Nacre::Watch finds no file for $module") if !defined $file;
    $self->{files}{$module} = Cwd::abs_path($file);
    Nacre->register_module($module);
    return $self;
}

sub file {
    my ( $self, $module ) = @_;
    return $self->{files}{$module};
}

sub check { return Nacre->check }

1;

__END__

=head1 NAME

Nacre::Watch - new code before each piece of work of a daemon

=head1 SYNOPSIS

  use Nacre::Watch;
  use My::Worker;

  my $watch = Nacre::Watch->new( modules => ['My::Worker'] );
  while ( my $job = next_job() ) {
      $watch->check;
      My::Worker->run($job);
  }

=head1 DESCRIPTION

For a server written by hand that names the modules it wants to have reloaded. It finds the file of each (from the current directory,
then in C<@INC>, which it does not change) and has L<Nacre> watch it, also if it lies in one of perl's own library directories.

=head1 METHODS

=head2 Nacre::Watch->new( modules => [...] )

Dies if a module has no file.

=head2 $watch->add($module)

One more module.

=head2 $watch->file($module)

The absolute path of its file.

=head2 $watch->check

C<< Nacre->check >>: whatever has changed is loaded again, these modules and all others that Nacre watches. A report, or nothing.

=head1 SEE ALSO

L<Nacre>

=cut
