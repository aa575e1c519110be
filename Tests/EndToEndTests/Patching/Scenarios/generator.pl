# A module that puts subs into those that use it.
use Scenario;
my $text = q{package Gen; sub import { my $to = caller; no strict 'refs'; *{"${to}::made"} = sub { "made NUMBER by $to" } } 1;};
BEGIN { save 'User1.pm' => q{package User1; use Gen; sub f { made() } 1;} }
save 'Gen.pm' => $text =~ s/NUMBER/1/r;
require User1;
my $kept = \&User1::made;
is User1::f(), 'made 1 by User1';
save 'Gen.pm' => $text =~ s/NUMBER/2/r;
reload;
is User1::f(), 'made 2 by User1';
is $kept->(), 'made 2 by User1';
save 'User1.pm' => q{package User1; use Gen; sub f { 'u' . made() } 1;};
reload;
is User1::f(), 'umade 2 by User1';
