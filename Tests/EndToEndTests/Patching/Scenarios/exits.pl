# A file that calls exit while it is loaded again.
use Scenario;
save 'A.pm' => q{package A; sub f { 'one' } 1;};
require A;
save 'A.pm' => q{package A; sub f { 'two' } exit 3; 1;};
fails qr/^exit was called/;
is A::f(), 'one';
