# Variables that a failed load has assigned to names in somebody else's package, of a file that is loaded for the first time
use Scenario;
save 'Other.pm' => q{package Other; our ( @list, %map, $word ) = 'old'; %map = ( old => 1 ); $word = 'old'; our @own = 'own'; 1;};
save 'A.pm'     => q{package A; 1;};
require Other;
require A;
my @before = ( \@Other::list, \%Other::map, \$Other::word );
save 'New.pm' => q{package New; our @list = 'new'; our %map; our $word; *Other::list = \@list; sub put { *Other::map = \%map } put();
    BEGIN { *Other::word = \$word } *Other::list = \@Other::own; push @Other::own, 'more' if 0; *Other::more = \@list; 1;};
save 'A.pm' => q{package A; require New; die; 1;};
fails qr/^Died/;
{
    no strict 'refs';
    is join( ' ', map { $_->[0] == $_->[1] ? 'same' : 'other' } [ $before[0], \@{'Other::list'} ], [ $before[1], \%{'Other::map'} ], [ $before[2], \${'Other::word'} ] ), 'same same same';
    is join( ' ', @{'Other::list'}, keys %{'Other::map'}, ${'Other::word'}, @{'Other::own'} ), 'old old old own';
}
save 'A.pm' => q{package A; require New; 1;};
reload;
no strict 'refs';
is join( ' ', @{'Other::list'}, @{'Other::more'} ), 'own new';
