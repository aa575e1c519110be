# Of two files that were rejected together one is taken back to what runs: the other one comes to life
use Scenario;
save 'A.pm' => q{package A; sub f { 'one' } 1;};
save 'B.pm' => q{package B; sub f { 'one' } 1;};
require A; require B;
save 'A.pm' => q{package A; sub f { 'two' } 1;};
save 'B.pm' => q{package B; sub f { 'two' } die 'no'; 1;};
fails qr/^no at/;
save 'B.pm' => q{package B; sub f { 'one' } 1;};
reload;
is A::f() . B::f(), 'twoone';
