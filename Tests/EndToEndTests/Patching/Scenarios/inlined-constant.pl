# Constants that perl has inlined: imported, by full name, a list, folded away.
use Scenario;
my $text = q{package A; use Exporter 'import'; our @EXPORT_OK = qw(ONE LIST FLAG);
    use constant ONE => 1; use constant LIST => (1, 2); use constant FLAG => 0; sub TWO () { 2 } 1;};
BEGIN { save 'B.pm' => q{package B; use A qw(ONE LIST FLAG); our $loads++;
    sub f { join ' ', ONE, ONE + 1, (LIST), (FLAG ? 'on' : 'off'), A::TWO } 1;} }
BEGIN { save 'C.pm' => q{package C; require A; sub f { A->ONE } sub g { &A::ONE } 1;} }
save 'A.pm' => $text;
require B; require C;
is B::f(), '1 2 1 2 off 2';
save 'A.pm' => $text =~ s/ONE => 1/ONE => 11/r =~ s/1, 2/3, 4, 5/r =~ s/FLAG => 0/FLAG => 1/r =~ s/\{ 2 \}/{ 22 }/r;
my $report = reload;
is B::f(), '11 12 3 4 5 on 22';
is C::f(), 11;
is C::g(), 11;
is "@{ $report->{reloaded} }", 'B.pm A.pm' if $report;
save 'A.pm' => $text;
reload;
is B::f(), '1 2 1 2 off 2';
is C::f(), 1;
save 'A.pm' => "$text\n# another comment";
$report = reload;
is "@{ $report->{reloaded} }", 'A.pm', 'equal constants' if $report;
warnings_are;
