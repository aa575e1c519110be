# Code that runs at that moment: the patch waits.
use Scenario;
save 'A.pm' => q{package A; sub f { my $code = shift; $code->(); 'one' } sub g { 'g1' } 1;};
require A;
save 'A.pm' => q{package A; sub f { my $code = shift; $code->(); 'two' } sub g { 'g2' } 1;};
my $g;
is A::f( sub { waits; $g = A::g() } ), 'one';
is $g, 'g1';
reload;
is A::f( sub { } ) . A::g(), 'twog2';
