# A module is renamed, and renamed back: what both define in somebody else's package is the first one's again
use Scenario;
my $old = q{package Old; sub Other::extra { 'old' } 1;};
save 'Other.pm' => q{package Other; sub own { 'own' } 1;};
save 'Old.pm'   => $old;
save 'A.pm'     => q{package A; require Other; require Old; sub f { Other::extra() } 1;};
require A;
is A::f(), 'old';
unlink directory() . '/Old.pm' or die;
save 'New.pm' => q{package New; sub Other::extra { 'new' } 1;};
save 'A.pm'   => q{package A; require Other; require New; sub f { Other::extra() } 1;};
reload;
is A::f(), 'new';
unlink directory() . '/New.pm' or die;
save 'Old.pm' => $old;
save 'A.pm'   => q{package A; require Other; require Old; sub f { Other::extra() } 1;};
reload;
is A::f(), 'old';
