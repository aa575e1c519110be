# Files without `package`: a .pl and a .pm, asked for from another package.
use Scenario;
save 'lib.pl' => q{sub lib_f { 'one' } 1;};
save 'Plain.pm' => q{sub plain_f { 'one' } 1;};
save 'A.pm' => q{package A; require './lib.pl'; require Plain; sub f { lib_f() . ' ' . plain_f() } 1;};
require A;
is A::f(), 'one one';
save 'lib.pl' => q{sub lib_f { 'two' } sub lib_g { 'g' } 1;};
save 'Plain.pm' => q{sub plain_f { 'two' } 1;};
reload;
is A::f(), 'two two';
is A::lib_g(), 'g';
is !!main->can('lib_f'), !!0;
save 'lib.pl' => q{sub lib_f { 'three' } 1;};
reload;
is A::f(), 'three two';
is !!A->can('lib_g'), !!0;
