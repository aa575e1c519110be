# A syntax error, told once, and its repair.
use Scenario;
save 'A.pm' => q{package A; our $x = 1; sub f { 'one' } sub g { 'g' } 1;};
require A;
save 'A.pm' => qq{package A; our \$x = 2; sub f { 'two' }\nsub h { ( } 1;};
fails qr/^syntax error at .*A\.pm line 2/;
is A::f(), 'one';
is A::g(), 'g';
is $A::x, 1;
is !!A->can('h'), !!0;
is $INC{'A.pm'}, directory . '/A.pm';
is( scalar Nacre->check, undef, 'told once' ) if $INC{'Nacre.pm'};
save 'A.pm' => q{package A; our $x = 3; sub f { 'three' } 1;};
reload;
is A::f(), 'three';
is $A::x, 3;
is !!A->can('g'), !!0;
