# A changed sub, by full name and as a method; a second edit.
use Scenario;
save 'A.pm' => q{package A; sub f { 'one' } 1;};
require A;
is A::f(), 'one';
for my $text (qw(two three)) {
    save 'A.pm' => qq{package A; sub f { '$text' } 1;};
    reload;
    is A::f(), $text;
    is( A->f, $text );
    is( A->can('f')->(), $text );
}
