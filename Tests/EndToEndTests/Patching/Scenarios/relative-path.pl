# A relative entry in %INC, and another working directory later.
use Scenario;
save 'sub/A.pm' => q{package A; sub f { 'one' } 1;};
save 'sub/B.pm' => q{package B; sub f { 'one' } 1;};
{ local @INC = 'sub'; require A; require B; }
is $INC{'A.pm'}, 'sub/A.pm';
chdir '/';
for my $text (qw(two three)) {
    save 'sub/A.pm' => qq{package A; require B; sub f { '$text' } 1;};
    reload;
    is A::f(), $text;
}
save 'sub/B.pm' => q{package B; sub f { 'two' } 1;};
reload;
is B::f(), 'two';
is join( ' ', sort grep {/[AB]\.pm/} keys %INC ), 'A.pm B.pm' if $INC{'Nacre.pm'};
