# More exports, and fewer.
use Scenario;
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT = ('f'); our @EXPORT_OK = ('o'); sub f { 1 } sub o { 1 } 1;};
BEGIN { save 'B.pm' => q{package B; use A; sub has { join ' ', grep { B->can($_) } qw(f g o) } 1;} }
BEGIN { save 'C.pm' => q{package C; use A 'o'; sub has { join ' ', grep { C->can($_) } qw(f g o) } 1;} }
require B; require C;
is B::has() . '/' . C::has(), 'f/o';
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT = ('f', 'g'); our @EXPORT_OK = ('o'); sub f { 1 } sub g { 2 } sub o { 1 } 1;};
reload;
is B::has() . '/' . C::has(), 'f g/o';
is B::g(), 2;
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT = ('g'); our @EXPORT_OK = ('o', 'n'); sub g { 3 } sub o { 1 } sub n { 'n' } 1;};
reload;
is B::has() . '/' . C::has(), 'g/o';
is B::g(), 3;
A->import('n');
is n(), 'n';
