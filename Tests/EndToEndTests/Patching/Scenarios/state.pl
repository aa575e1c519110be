# What is kept and what is new.
use Scenario;
my $text = q{package A; use feature 'state'; our $reset = 0; our $kept //= 0; our ($plain, @list, %hash); my $lexical = 0;
    sub bump { state $s = 0; $s++; $reset++; $kept++; $plain++; push @list, 1; $hash{x}++; $lexical++; "$s $reset $kept $plain @list $hash{x} $lexical" }
    1;};
save 'A.pm' => $text;
require A;
A::bump();
is A::bump(), '2 2 2 2 1 1 2 2';
$A::unnamed = 'mine';
save 'A.pm' => "$text # again";
reload;
is A::bump(), '1 1 3 3 1 1 1 3 1';
save 'A.pm' => q{package A; sub f { 1 } 1;};
reload;
is $A::kept, 3, 'variables that the source names no more stay';
is $A::unnamed, 'mine';
