package Nacre::Census::Text;

use v5.16;
use strict;
use warnings;
no warnings qw(portable);

sub import {
    no strict 'refs';
    *{ caller() . '::text' } = \&text;
    return;
}

# The ranges of writable memory: a number that points there is an address.
sub memory {
    my @ranges;
    if ( open my $maps, '<', '/proc/self/maps' ) {
        while ( my $line = <$maps> ) {
            my ( $from, $to ) = $line =~ /\A([0-9a-f]+)-([0-9a-f]+) rw/ or next;

            # The heap grows while it is described.
            push @ranges, [ hex $from, hex($to) + ( $line =~ /\[heap\]/ ? 1 << 30 : 0 ) ];
        }
    }
    return \@ranges;
}

my $memory;

# Printable, and without what differs from process to process: addresses, and the numbers of string evals.
sub text {
    my ($text) = @_;
    $text = "$text";
    return $text if $text !~ /[^\x20-\x7e]|0x|\(eval |\A[1-9][0-9]{6}/;
    if ( $text =~ /\A[1-9][0-9]{6,17}\z/ ) {
        for my $range ( @{ $memory //= memory() } ) {
            return '(address)' if $text >= $range->[0] && $text < $range->[1] && $text % 8 == 0;
        }
    }
    $text =~ s/\(0x[0-9a-f]+\)/(address)/g;

    # The name that perl gives to source that a hook in @INC has supplied.
    $text =~ s{(?:^|(?<="))/loader/0x[0-9a-f]+/}{/loader/(address)/}g;
    $text =~ s/\(eval [0-9]+\)/(eval)/g;
    $text =~ s/\n/\\n/g;
    $text =~ s/\t/\\t/g;
    $text =~ s/([^\x20-\x7e])/sprintf '\\x{%x}', ord $1/ge;
    return $text;
}

1;

__END__

=head1 NAME

Nacre::Census::Text - how Nacre::Census prints what it finds

=head1 SYNOPSIS

  use Nacre::Census;

=head1 DESCRIPTION

Addresses differ from process to process, and so do the numbers of string evals. There is nothing here to be called by others.

=head1 SEE ALSO

L<Nacre::Census>

=cut
