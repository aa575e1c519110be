# A module that is not there yet, and then is.
use Scenario;
save 'A.pm' => q{package A; sub f { 'one' } 1;};
require A;
save 'A.pm' => q{package A; use Later; sub f { Later::f() } 1;};
fails qr/^Can't locate Later\.pm/;
is A::f(), 'one';
save 'Later.pm' => q{package Later; sub f { 'later' } 1;};
reload;
is A::f(), 'later';
