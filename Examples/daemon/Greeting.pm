package Greeting;

use v5.16;
use warnings;

sub text {
    my ($number) = @_;
    return "Hello number $number";
}

1;
