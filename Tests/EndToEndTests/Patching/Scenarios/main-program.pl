# The main program holds a constant: it is running, so that is refused.
use Scenario;
BEGIN { save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = 'ONE'; use constant ONE => 1; sub f { ONE } 1;} }
use A 'ONE';
is ONE, 1;
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = 'ONE'; use constant ONE => 2; sub f { ONE } 1;};
refused qr/it is running/;
is ONE . A::f(), '11';
