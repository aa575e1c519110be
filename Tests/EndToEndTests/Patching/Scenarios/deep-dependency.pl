# A change at the far end of a chain of modules.
use Scenario;
BEGIN {
    save "D$_.pm" => "package D$_; use D@{[$_+1]}; sub f { '$_' . D@{[$_+1]}::f() } 1;" for 1 .. 5;
    save 'D6.pm' => "package D6; use constant LAST => 'x'; sub f { LAST } 1;";
}
use D1;
is D1::f(), '12345x';
save 'D6.pm' => "package D6; use constant LAST => 'y'; sub f { LAST } 1;";
reload;
is D1::f(), '12345y';
save "D$_.pm" => "package D$_; use D@{[$_+1]}; sub f { '$_-' . D@{[$_+1]}::f() } 1;" for 2, 4;
my $report = reload;
is D1::f(), '12-34-5y';
is "@{ $report->{reloaded} }", 'D2.pm D4.pm' if $report;
