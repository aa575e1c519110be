# Constants of a file whose new version fails, nobody having mentioned them; and what was imported from it.
use Scenario;
my $text = q{package A; use Exporter 'import'; our @EXPORT_OK = 'ODD_NAME'; use constant ODD_NAME => 1; use constant { ODD_LIST => 2, ODD_OTHER => 3 }; 1;};
save 'A.pm' => $text;
save 'B.pm' => q{package B; use A 'ODD_NAME'; 1;};
require A; require B;
save 'A.pm' => $text =~ s/=> 1/=> 11/r =~ s/1;\z/die 'no';/r;
fails qr/^no at/;
is join( ' ', map { my $code = A->can("ODD_$_"); $code ? $code->() : 'none' } qw(NAME LIST OTHER) ), '1 2 3';
is( B->can('ODD_' . 'NAME')->(), 1 );
save 'A.pm' => $text =~ s/=> 1/=> 12/r;
reload;
is join( ' ', map { A->can("ODD_$_")->() } qw(NAME LIST OTHER) ), '12 2 3';
is( B->can('ODD_' . 'NAME')->(), 12 );
