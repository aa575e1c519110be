# Modifiers from a library: they are not stacked, and the sub below them is the new one.
use Scenario;
BEGIN { eval { require Class::Method::Modifiers; 1 } or do { print "skipped\n"; exit } }
save 'A.pm' => q{package A; use Class::Method::Modifiers; sub f { 'one' } around f => sub { my $o = shift; '<' . $o->(@_) . '>' }; 1;};
require A;
is( A->f, '<one>' );
my $kept = \&A::f;
for my $text (qw(two three)) {
    save 'A.pm' => qq{package A; use Class::Method::Modifiers; sub f { '$text' } around f => sub { my \$o = shift; '<' . \$o->(\@_) . '>' }; 1;};
    reload;
    is( A->f, "<$text>" );
    is $kept->(), "<$text>";
}
save 'A.pm' => q{package A; sub f { 'plain' } 1;};
reload;
is( A->f, 'plain' );
save 'A.pm' => q{package A; use Class::Method::Modifiers; sub f { 'four' } before f => sub { our $calls++ }; 1;};
reload;
is( A->f, 'four' );
is $A::calls, 1;
