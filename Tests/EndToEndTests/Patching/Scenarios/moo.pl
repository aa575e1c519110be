# Moo. Refused with a reason, and nothing changed.
use Scenario;
BEGIN { eval { require Moo; 1 } or do { print "skipped\n"; exit } }
save 'M.pm' => q{package M; use Moo; has x => (is => 'rw', default => 1); sub f { 'one' } 1;};
require M;
my $object = M->new;
save 'M.pm' => q{package M; use Moo; has y => (is => 'rw', default => 2); sub f { 'two' } 1;};
refused qr/M is a Moo class/;
is $object->f . $object->x . !!M->can('y'), 'one1';
