# Moose: attribute, parent, role of an immutable class. Refused with a reason, and nothing changed.
use Scenario;
BEGIN { eval { require Moose; 1 } or do { print "skipped\n"; exit } }
save 'R.pm' => q{package R; use Moose::Role; sub r { 'r1' } 1;};
save 'M.pm' => q{package M; use Moose; with 'R'; has x => (is => 'rw', default => 1); sub f { 'one' } __PACKAGE__->meta->make_immutable; 1;};
require M;
my $object = M->new;
save 'M.pm' => q{package M; use Moose; with 'R'; has y => (is => 'rw', default => 2); sub f { 'two' } __PACKAGE__->meta->make_immutable; 1;};
refused qr/M is a Moose class/;
is $object->f . $object->x . !!M->can('y'), 'one1';
save 'R.pm' => q{package R; use Moose::Role; sub r { 'r2' } 1;};
refused qr/R is a Moose role/;
is( M->r, 'r1' );
