# State that must move, by hooks and by class methods of that name; a hook that dies.
use Scenario;
exit if !$INC{'Nacre.pm'};
save 'A.pm' => q{package A; use Nacre; our %seen = (a => 1);
    Nacre->before_reload(sub { my $module = shift; { module => $module, %seen } });
    Nacre->after_reload(sub { my ($module, $state) = @_; %seen = (%$state, again => 1) });
    sub f { 'one' } 1;};
save 'B.pm' => q{package B; my $count = 0; sub bump { ++$count } sub before_reload { $count } sub after_reload { $count = $_[1] } 1;};
require A; require B;
B::bump() for 1 .. 5;
save 'A.pm' => q{package A; our %seen; Nacre->after_reload(sub { my ($module, $state) = @_; %seen = (%$state, again => 1) }); sub f { 'two' } 1;};
save 'B.pm' => q{package B; my $count = 0; sub bump { 'b' . ++$count } sub before_reload { $count } sub after_reload { $count = $_[1] } 1;};
reload;
is join( ' ', map {"$_=$A::seen{$_}"} sort keys %A::seen ), 'a=1 again=1 module=A';
is A::f(), 'two';
is B::bump(), 'b6';
save 'B.pm' => q{package B; sub bump { 'c' } sub after_reload { die "not this\n" } 1;};
fails qr/^not this$/;
is B::bump(), 'b7';
