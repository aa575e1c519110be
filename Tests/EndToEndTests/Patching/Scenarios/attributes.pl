# Attributes, signatures, fields, named subs in blocks, formats.
use Scenario;
save 'A.pm' => q{package A; use v5.20; use feature 'signatures'; no warnings;
    my $v = 1; sub lv :lvalue { $v } sub sig($x, $y = 2) { "$x$y" } { my $n = 0; sub count { ++$n } }
    sub outer { my $x = shift; sub inner { 'inner1' } inner() }
    our $text = 't1';
format OUT =
one @<<<
$A::text
.
    1;};
require A;
A::lv() = 5;
is A::lv(), 5;
is A::sig(1), '12';
A::count();
save 'A.pm' => q{package A; use v5.20; use feature 'signatures'; no warnings;
    my $v = 1; sub lv { $v } sub sig($x, $y = 3) { "$x$y" } { my $n = 10; sub count { ++$n } }
    sub outer { my $x = shift; sub inner { 'inner2' } inner() }
    our $text = 't2';
format OUT =
two @<<<
$A::text
.
    1;};
reload;
is A::lv(), 1;
is !!( eval 'A::lv() = 6; 1' ), !!0, 'not an lvalue any more';
is A::sig(1), '13';
is A::count(), 11;
is A::outer(), 'inner2';
my $page = '';
{ package A; open my $out, '>', \$page; my $old = select $out; $~ = 'OUT'; write; select $old; close $out; }
is $page =~ s/\s+\z//r, 'two t2';
save 'F.pm' => q{package F; use fields qw(a b); sub new { my $s = fields::new(shift); $s->{a} = 1; $s } 1;};
require F;
save 'F.pm' => q{package F; use fields qw(c a); sub new { my $s = fields::new(shift); $s->{c} = 2; $s } 1;};
reload;
is( F->new->{c}, 2 );
