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
# In a module that another one loads, and nobody mentions them.
save 'C.pm' => $text =~ s/package A/package C/r =~ s/NAMES/x/r;
save 'B.pm' => q{package B; use C; 1;};
require B;
save 'C.pm' => q{package C; sub other { 1 } 1;};
reload;
is !!C->can('x'), !!0;
