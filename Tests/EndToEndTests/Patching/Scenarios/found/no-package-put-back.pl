# The variables of a file without package, in the package of its user, are put back after a failed load
use Scenario;
no strict 'refs';

# Not by name: a glob belongs to the file that names it first.
sub values_of { my $in = shift; return join ' ', ${"${in}::util"}, @{"${in}::list"}, ${"${in}::own"} }
save 'util.pl' => 'sub util { 1 } our $util = 1; our @list = (1, 2); 1;';
save 'B.pm'    => 'package B; require "util.pl"; our $own = 1; 1;';
require B;
save 'util.pl' => 'sub util { 2 } our $util = 2; our @list = (3); our $new = 3; 1;';
save 'B.pm'    => 'package B; require "util.pl"; our $own = 2; die; 1;';
fails qr/^Died/;
is values_of('B'), '1 1 2 1';
save 'util.pl' => 'sub util { 3 } our $util = 3; our @list = (4); die;';
save 'B.pm'    => 'package B; require "util.pl"; our $own = 1; 1;';
fails qr/^Died/;
is values_of('B'), '1 1 2 1';
save 'util.pl' => 'sub util { 4 } our $util = 4; our @list = (5); 1;';
reload;
is values_of('B') . ' ' . B->can('util')->(), '4 5 1 4';
