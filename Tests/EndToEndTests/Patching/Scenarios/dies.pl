# A file that dies at its end, one that dies in BEGIN half way, and their repair.
use Scenario;
my $state = sub { join ' ', A::f(), $A::x, join(" ", @A::l), join( ',', map {"$_$A::h{$_}"} sort keys %A::h ), "@A::ISA", "@{$A::deep->{list}}", exists $INC{'New.pm'} ? 'New' : '' };
save 'A.pm' => q{package A; our @ISA = 'Base1'; our $x = 1; our @l = (1, 2); our %h = (a => 1); our $deep = { list => [1] }; sub f { 'one' } 1;};
save 'New.pm' => q{package New; our $y = 1; sub n { 1 } 1;};
require A;
my $before = $state->();
my $names  = join ' ', sort keys %A::;
for my $end ( 'die "at the end"', 'BEGIN { die "half way" } sub f { "never" }' ) {
    save 'A.pm' => qq{package A; our \@ISA = 'Base2'; use New; our \$x = 2; push our \@l, 3; our %h; \$h{b} = 2; delete \$h{a};
        our \$deep; push \@{\$deep->{list}}, 2; our \$new = 1; sub f { 'two' } sub g { 2 } $end; 1;};
    fails qr/at the end|half way/;
    is $state->(), $before;
    is join( ' ', sort keys %A:: ), $names, 'names';
    is !!exists $main::{'New::'}, !!0, 'package New' if $INC{'Nacre.pm'};
}
save 'A.pm' => q{package A; our @ISA = 'Base3'; use New; our $x = 3; sub f { 'three' } 1;};
reload;
is A::f(), 'three';
is "@A::ISA", 'Base3';
is ${ $main::{'New::'}{y} }, 1;
