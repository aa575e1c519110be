package Nacre::Preload;

use v5.16;
use strict;
use warnings;

our $VERSION = '0.1';

# Writes this interpreter's census to the first descriptor and compares it with those behind the others:
#   none             nothing is compared
#   A                this load with another one
#   A, B             two other loads; this load and the first (or the second) of them were made in natural order, so what
#                    differs between those two is chance and does not count
# Returns the number of names that differ, a tab, and the first of them; "0" if none does.
sub compare_census {
    my ( $first_is_natural, $own, @others ) = @_;
    require Nacre::Census;
    open my $handle, '>&', $own or die "cannot write the census: $!\n";

    # To turn 6,000 subs into text takes seconds, and their digests tell as well whether they differ.
    Nacre::Census::write( $handle, deparse => sub { 0 } );
    close $handle or die "cannot write the census: $!\n";
    return 0 if !@others;
    my @loads = map { read_census($_) } @others;
    my $self  = read_census($own);
    return summary( differences( $loads[0], $self ) ) if @loads == 1;
    my $natural = $loads[ $first_is_natural ? 0 : 1 ];
    my %chance  = map { $_ => 1 } differences( $natural, $self );
    my %pattern = map { pattern($_) => 1 } grep { is_in_one( $_, $natural, $self ) } keys %chance;
    return summary(
        grep { !$chance{$_} && !( is_in_one( $_, @loads ) && $pattern{ pattern($_) } ) } differences(@loads) );
}

# Serial numbers that libraries give out in the order of use; nobody's code depends on which one it got. (Numbers that
# differ between two loads of one order need no rule: they are chance.)
sub without_serials {
    my ($line) = @_;
    $line =~ s/\bEval::Closure::Sandbox_\K[0-9]+/#/g;
    $line =~ s/__ANON__::(?:SERIAL::)?\K[0-9]+/#/g;
    $line =~ s/\(eval \K[0-9]+(?=\))/#/g;

    # How often the symbol table had changed when Class::MOP looked last.
    $line =~ s/\{_package_cache_flag(?:_full)?\}\t\K.*/#/;
    return $line;
}

# The lines of a census by kind and name. Several may have one name: then all their lines together count.
sub read_census {
    my ($descriptor) = @_;
    open my $lines, '<', "/proc/self/fd/$descriptor" or die "cannot read a census: $!\n";
    my %values;
    while ( my $line = <$lines> ) {
        $line = without_serials($line);
        my ( $kind, $name ) = split /\t/, $line, 3;
        push @{ $values{"$kind $name"} }, $line;
    }
    $_ = join '', sort @$_ for values %values;
    return \%values;
}

# The names of which two loads say different things.
sub differences {
    my ( $one, $other ) = @_;
    my %all = ( %$one, %$other );
    return grep { ( $one->{$_} // '' ) ne ( $other->{$_} // '' ) } sort keys %all;
}

sub is_in_one {
    my ( $name, $one, $other ) = @_;
    return !exists $one->{$name} || !exists $other->{$name};
}

# Names that hold a serial number or an address differ from load to load in that alone.
sub pattern {
    my ($name) = @_;
    return $name =~ s/0x[0-9a-f]+|[0-9]+/#/gr;
}

sub summary {
    my @names = @_;
    return @names ? @names . "\t$names[0]" : 0;
}

1;

__END__

=head1 NAME

Nacre::Preload - compares two loads of an application for the nacre server

=head1 SYNOPSIS

  nacre app.psgi

=head1 DESCRIPTION

C<nacre> loads what an application takes from libraries before the application itself, if that makes no difference. This
module finds out whether it does, in processes of its own. There is nothing here for an application to call.

=head1 SEE ALSO

L<nacre(1)>, L<Nacre::Census>

=cut
