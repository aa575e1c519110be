package Plack::Handler::Nacre;

use v5.16;
use strict;
use warnings;

our $VERSION = '0.1';

sub new {
    my ( $class, %options ) = @_;
    return bless {%options}, $class;
}

# Becomes nacre, with plackup's own arguments: nacre has the same options, and loads the application itself.
sub run {
    my $program = program()
        or die "nacre is not installed: neither beside this library nor in PATH; say where it is in NACRE_PROGRAM\n";
    die "Plack::Handler::Nacre serves what `plackup -s Nacre` is given, which is a file: nacre loads it anew when it changes.\n"
        . "Write the application to a file, say app.psgi, and run `$program app.psgi`.\n"
        if $0 !~ m{(?:^|/)plackup\z};
    exec {$program} $program, @ARGV or die "$program cannot be started: $!\n";
}

# Where nacre is: as NACRE_PROGRAM says, beside the installed Perl files, in the source tree's build directory, or in PATH.
sub program {
    # perl's own directories have links to the installed files.
    my $link   = readlink __FILE__;
    my $file   = !defined $link || $link =~ m{\A/} ? $link // __FILE__ : __FILE__ =~ s{[^/]*\z}{}r . $link;
    my $own    = $file =~ s{/Plack/Handler/Nacre\.pm\z}{}r;
    my @places = (
        $ENV{NACRE_PROGRAM} // (),
        "$own/../../../bin/nacre",
        ( map {"$own/../../.build/$_/nacre"} qw(release debug) ),
        map {"$_/nacre"} split /:/, $ENV{PATH} // '',
    );
    return ( grep { -f && -x _ } @places )[0];
}

1;

__END__

=head1 NAME

Plack::Handler::Nacre - plackup -s Nacre

=head1 SYNOPSIS

  plackup -s Nacre -p 5000 app.psgi

=head1 DESCRIPTION

C<plackup -s Nacre> with whatever follows is C<nacre> with whatever follows: C<plackup>'s process becomes C<nacre>, which has
C<plackup>'s options, and its own. C<nacre> says so where it does something else instead. C<plackup> has loaded the application once
before that, for nothing; C<nacre app.psgi> does without.

An application that exists in memory only (C<< Plack::Runner->run($code) >>) is refused, for it could not be loaded again: write it
to a file.

=head1 ENVIRONMENT

C<NACRE_PROGRAM> is the path of C<nacre>, if it is neither beside this library nor in C<PATH>.

=head1 SEE ALSO

L<nacre(1)>, L<plackup>

=cut
