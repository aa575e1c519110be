# A sub that the new source does not have; later it comes back.
use Scenario;
my $with = q{package A; use Exporter 'import'; our @EXPORT_OK = 'g'; sub f { 'f' } sub g { 'g' } 1;};
save 'A.pm' => $with;
BEGIN { save 'B.pm' => q{package B; our @ISA = 'A'; require A; A->import('g'); sub call { A::g() } 1;} }
require B;
my $kept = \&A::g;
save 'A.pm' => q{package A; sub f { 'f' } 1;};
reload;
is !!A->can('g'), !!0, 'can';
is !!B->can('g'), !!0, 'can, inherited and imported';
is !!defined &A::g, !!0, 'defined';
is eval { A->g } // $@ =~ /Can't locate object method "g"/, 1;
is eval { B::call() } // $@ =~ /Undefined subroutine &A::g called/, 1;
save 'A.pm' => $with =~ s/'g' \}/'again' }/r;
reload;
is( A->g, 'again' );
is B::call(), 'again';
is $kept->(), 'again', 'the reference';
