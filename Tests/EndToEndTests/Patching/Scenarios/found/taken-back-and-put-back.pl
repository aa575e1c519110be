# A file whose failed version did not mention a constant is put back: it follows the constant again
use Scenario;
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = 'K'; use constant K => 1; 1;};
save 'B.pm' => q{package B; use A 'K'; sub k { K } 1;};
require B;
save 'B.pm' => q{package B; sub k { 0 } die 'no'; 1;};
fails qr/^no at/;
is B::k(), 1;
save 'B.pm' => q{package B; use A 'K'; sub k { K } 1;};
Nacre->check if $INC{'Nacre.pm'};
save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = 'K'; use constant K => 2; 1;};
reload;
is B::k(), 2;
