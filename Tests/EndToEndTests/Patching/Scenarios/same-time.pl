# Several files at once, one of them broken: none of them changes.
use Scenario;
save "M$_.pm" => "package M$_; our \@l = ($_); sub f { 'one$_' } 1;" for 1 .. 4;
require "M$_.pm" for 1 .. 4;
save "M$_.pm" => "package M$_; our \@l = (0); sub f { 'two$_' } 1;" for 1 .. 3;
save 'M4.pm' => q{package M4; sub f { 'two4' } die 'broken'; 1;};
fails qr/^broken at .*M4\.pm line 1/;
is join( ' ', map { no strict 'refs'; &{"M${_}::f"}() . "@{\"M${_}::l\"}" } 1 .. 4 ), 'one11 one22 one33 one44';
save 'M4.pm' => q{package M4; sub f { 'three4' } 1;};
my $report = reload;
is join( ' ', map { no strict 'refs'; &{"M${_}::f"}() } 1 .. 4 ), 'two1 two2 two3 three4';
is "@{ $report->{reloaded} }", 'M1.pm M2.pm M3.pm M4.pm' if $report;
