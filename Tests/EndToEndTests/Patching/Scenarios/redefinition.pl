# Nothing warns of what is defined again; other warnings are told.
use Scenario;
my $text = q{package A; use strict; use warnings; use constant C => 1; use constant L => (1, 2); sub K () { 3 } sub p ($) { 1 } sub f { 1 }
    { no strict 'refs'; *{"A::g$_"} = sub { 2 } for 1, 2; } format F =
x
.
    1;};
save 'A.pm' => $text;
require A;
for my $n ( 2, 3 ) {
    save 'A.pm' => $text =~ s/C => 1/C => $n/r =~ s/\{ 3 \}/{ $n }/r =~ s/p \(\$\)/p (\@)/r =~ s/1, 2\)/$n)/r;
    reload;
    is join( '', A->C, A->K, A->L ), "$n$n$n";
}
warnings_are;
save 'A.pm' => "$text; my \$x; my \$y = \"a\$x\"; 1;";
reload;
warnings_are qr/uninitialized value \$x/;
