# So many patches of modules that hold what others have, every fifth one broken.
use Scenario;
$| = 1;
my $version = 0;
sub edit {
    my ($broken) = @_;
    save 'A.pm' => "package A; use strict; use feature 'state'; use Exporter 'import'; our \@EXPORT = qw(f SIZE); use constant SIZE => $version; our %seen = (n => [1 .. 9]);"
        . "sub f (\$) { my \$x = shift; sub { \$x + $version } } sub g$version { state \$n = 0 } use overload '+' => sub { $version }; END { }"
        . ( $broken ? 'sub h { $oops }' : '' ) . ' 1;';
    save 'B.pm' => "package B; use A; our \@ISA = 'C'; sub new { bless {}, shift } sub size { SIZE + f(1)->() } " . ( $broken == 2 ? 'die' : '' ) . ';1;';
    save 'C.pm' => "package C; use feature 'state'; sub name { state \$n = 'c$version'; \$n } eval 'sub made { $version }'; 1;";
}
edit(0);
require B;
require C;
my ( $object, $kept ) = ( B->new, \&A::f );
for my $edit ( 1 .. $ARGV[0] ) {
    if ( $edit % 5 ) {
        $version = $edit;
        edit(0);
        reload;
    }
    else {
        edit( $edit % 2 + 1 );
        fails qr/oops|Died/;
    }
    is $object->size, 2 * $version + 1;
    is $object->name, "c$version";
    is $kept->(1)->(), 1 + $version;
}

# While the interpreter is whole: what nobody leads to now is lost. perl itself leaves without taking leave of everything.
require POSIX;
syswrite STDOUT, Nacre->patches . "\n";
POSIX::_exit(0);
