package OysterBar::Rules;

# Constants: perl copies their values into the code that uses them while it compiles that code.
use v5.16;
use strict;
use warnings;

use Exporter 'import';
our @EXPORT_OK = qw(DOZEN SERVICE_PERCENT);

use constant DOZEN           => 12;
use constant SERVICE_PERCENT => 10;

1;
