# Closures: old ones run on as they are, new ones are new; generated accessors.
use Scenario;
my $text = q{package A; my $base = 'BASE'; sub make { my $n = shift; sub { $n++; "$base$n" } }
    for my $name (qw(NAMES)) { no strict 'refs'; *{"A::$name"} = sub { "$name NUMBER" } } 1;};
save 'A.pm' => $text =~ s/BASE/a/r =~ s/NAMES/red green/r =~ s/NUMBER/1/r;
require A;
my $old = A::make(5);
my $red = \&A::red;
is $old->(), 'a6';
save 'A.pm' => $text =~ s/BASE/b/r =~ s/NAMES/red blue/r =~ s/NUMBER/2/r;
reload;
is $old->(), 'a7';
is A::make(1)->(), 'b2';
is( A->red, 'red 2' );
is $red->(), 'red 2', 'kept reference';
is( A->blue, 'blue 2' );
is !!A->can('green'), !!0;
