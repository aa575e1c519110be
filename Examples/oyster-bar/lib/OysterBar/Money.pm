package OysterBar::Money;

# An exporter: whoever uses it gets a copy of the reference to the sub.
use v5.16;
use strict;
use warnings;

use Exporter 'import';
our @EXPORT_OK = qw(money);

# money(290) is "€ 2.90"
sub money {
    my ($cents) = @_;
    return sprintf '€ %.2f', $cents / 100;
}

1;
