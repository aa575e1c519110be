# A module whose file is gone does not stop the change of a constant that it holds
use Scenario;
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = 'K'; use constant K => 1; 1;};
save 'Old.pm' => q{package Old; use A 'K'; sub k { K } 1;};
save 'B.pm' => q{package B; use A 'K'; use Old; sub k { K } 1;};
require B;
save 'B.pm' => q{package B; use A 'K'; sub k { K } 1;};
unlink directory() . '/Old.pm';
reload;
is B::k() . Old::k(), '11';
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = 'K'; use constant K => 2; 1;};
reload;
is B::k(), '2';
