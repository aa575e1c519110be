# Subs from string evals.
use Scenario;
my $text = q{package A; eval "sub $_ { '$_ NUMBER' }" for qw(NAMES); 1;};
save 'A.pm' => $text =~ s/NUMBER/1/r =~ s/NAMES/a b/r;
require A;
my $kept = \&A::a;
save 'A.pm' => $text =~ s/NUMBER/2/r =~ s/NAMES/a c/r;
reload;
is A::a() . A::c() . $kept->(), 'a 2c 2a 2';
is !!A->can('b'), !!0;
