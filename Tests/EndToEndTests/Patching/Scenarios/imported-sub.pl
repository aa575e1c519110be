# A sub that was imported, and references to it that were kept.
use Scenario;
BEGIN { save 'A.pm' => q{package A; use Exporter 'import'; our @EXPORT_OK = 'f'; sub f { 'one' } 1;} }
BEGIN { save 'B.pm' => q{package B; use A 'f'; my %table = (f => \&f, g => \&A::f); sub g { f() } sub t { $table{$_[1]}->() } 1;} }
use B;
my $kept    = \&A::f;
my $closure = do { my $code = \&A::f; sub { $code->() } };
my $address = 0 + $kept;
for my $text (qw(two three)) {
    save 'A.pm' => qq{package A; use Exporter 'import'; our \@EXPORT_OK = 'f'; sub f { '$text' } 1;};
    my $report = reload;
    is B::g(), $text;
    is( B->t('f'), $text );
    is( B->t('g'), $text );
    is $kept->(), $text;
    is $closure->(), $text;
    is 0 + \&A::f, $address, 'address';
    is 0 + \&B::f, $address, 'address of the import';
    is "@{ $report->{reloaded} }", 'A.pm' if $report;
}
