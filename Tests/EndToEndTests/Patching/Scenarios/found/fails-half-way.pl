# A module that is new, and fails half way, leaves nothing
use Scenario;
sub names { no strict 'refs'; return join ' ', sort grep { defined &{"New::$_"} || @{"New::$_"} } keys %New:: }
save 'A.pm' => q{package A; sub f { 1 } 1;};
require A;
save 'New.pm' => q{package New; use Exporter 'import'; our @EXPORT_OK; BEGIN { push @EXPORT_OK, 'g' } our $x = 1; sub g { 1 } sub A::put { 1 } use Nowhere; 1;};
save 'A.pm' => q{package A; use New; sub f { 2 } 1;};
fails qr/^Can't locate Nowhere/;
is names(), '';
is !!A->can('put'), '';
save 'New.pm' => q{package New; our @EXPORT_OK; sub h { 1 } 1;};
reload;
is A::f() . names(), '2h';
