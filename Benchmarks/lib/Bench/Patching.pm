package Bench::Patching;
use v5.16;
use strict;
use warnings;

use Bench::Patching::Apache ();
use Bench::Patching::Plain  ();

# The section about reloading in a program of one's own.
sub measure {
    my ($kit, $scratch, $option) = @_;
    my $plain  = Bench::Patching::Plain::measure("$scratch/plain", $option);
    my $apache = $kit->{apache} ? Bench::Patching::Apache::measure("$scratch/apache", $option) : '';
    return $plain . ($apache && "\n$apache");
}

1;
