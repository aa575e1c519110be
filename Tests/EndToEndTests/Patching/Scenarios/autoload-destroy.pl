# AUTOLOAD and DESTROY of living objects.
use Scenario;
my @log;
sub log_it { push @log, @_ }
save 'A.pm' => q{package A; our $AUTOLOAD; sub new { bless {}, shift } sub AUTOLOAD { my $n = $AUTOLOAD; $n =~ s/.*:://; "auto1 $n" } sub DESTROY { main::log_it('destroy1') } 1;};
require A;
my ( $one, $two, $three ) = map { A->new } 1 .. 3;
is $one->x, 'auto1 x';
undef $one;
save 'A.pm' => q{package A; our $AUTOLOAD; sub new { bless {}, shift } sub AUTOLOAD { my $n = $AUTOLOAD; $n =~ s/.*:://; "auto2 $n" } sub DESTROY { main::log_it('destroy2') } 1;};
reload;
is $two->x, 'auto2 x';
undef $two;
save 'A.pm' => q{package A; sub new { bless {}, shift } 1;};
reload;
undef $three;
is "@log", 'destroy1 destroy2';
is eval { A->x; 1 }, undef;
