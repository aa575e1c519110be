# A prototype that callers were compiled with.
use Scenario;
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = 'count'; sub count { scalar @_ } 1;};
BEGIN { save 'B.pm' => q{package B; use A 'count'; my @three = (1, 2, 3); sub f { count(@three) } sub full { A::count(@three) } 1;} }
require B;
is B::f() . B::full(), '33';
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = 'count'; sub count($) { "s$_[0]" } 1;};
reload;
is B::f() . B::full(), 's3s3';
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = 'count'; sub count(\@) { "r" . ref $_[0] } 1;};
reload;
is B::f() . B::full(), 'rARRAYrARRAY';
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = 'count'; sub count { scalar @_ } 1;};
reload;
is B::f() . B::full(), '33';
