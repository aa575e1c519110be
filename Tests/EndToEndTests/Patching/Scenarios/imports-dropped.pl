# What a file imports: no more, something else, a sub of its own in the place of an import.
use Scenario;
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = qw(f g); sub f { 'Af' } sub g { 'Ag' } 1;};
save 'B.pm' => q{package B; use A qw(f g); sub h { f() . g() } 1;};
require B;
is B::h(), 'AfAg';
save 'B.pm' => q{package B; use A qw(f); sub g { 'Bg' } sub h { f() . g() } 1;};
reload;
is B::h(), 'AfBg';
is A::g(), 'Ag';
save 'B.pm' => q{package B; sub h { 'h' } 1;};
reload;
is join( ' ', grep { B->can($_) } qw(f g h) ), 'h';
