# END blocks do not pile up, and those of a load that failed do not run.
use Scenario;
my @order;
sub note { push @order, @_ }
END { print "line 0: @order\n" and $? = 1 if "@order" ne 'A3 B1' }
save 'B.pm' => q{package B; END { main::note('B1') } 1;};
save 'A.pm' => q{package A; END { main::note('A1') } 1;};
require B; require A;
save 'A.pm' => q{package A; END { main::note('A2') } 1;};
reload;
save 'A.pm' => q{package A; END { main::note('Ax') } die 'no'; 1;};
fails qr/^no at/;
save 'A.pm' => q{package A; END { main::note('A3') } 1;};
reload;
