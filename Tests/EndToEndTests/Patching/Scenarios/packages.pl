# Two packages in a file; a nested package of another file is not touched; subs in somebody else's package.
use Scenario;
save 'A.pm' => q{package A; sub f { 'a1' } package A::Two; our @ISA = 'A'; sub g { 'g1' } sub gone { 1 } package B; sub from_a { 'b1' } 1;};
save 'A/Inner.pm' => q{package A::Inner; our $loads = ($loads // 0) + 1; sub f { 'inner' } 1;};
save 'B.pm' => q{package B; our $loads = ($loads // 0) + 1; sub own { 'own' } 1;};
require A; require A::Inner; require B;
my $inner = \&A::Inner::f;
save 'A.pm' => q{package A; sub f { 'a2' } package A::Two; our @ISA = 'A'; sub g { 'g2' } package B; sub from_a { 'b2' } 1;};
reload;
is A::f() . A::Two->g . B::from_a(), 'a2g2b2';
is !!A::Two->can('gone'), !!0;
is A::Inner::f(), 'inner';
is $A::Inner::loads . $B::loads, '11';
is B::own(), 'own';
save 'B.pm' => q{package B; our $loads = ($loads // 0) + 1; sub own { 'own2' } 1;};
reload;
is B::own() . B::from_a(), 'own2b2';
is $B::loads, 2;
