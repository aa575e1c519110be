# What a file has assigned to a name in somebody else's package goes when its source assigns it no more
use Scenario;
sub source { my ( $n, $more ) = @_; return qq{package A; sub word { 'word$n' } $more 1;} }
my $assigns = q{*B::alias = \&word; BEGIN { *B::early = \&word } *B::anonymous = sub { 'a' };};
save 'B.pm' => q{package B; sub f { 1 } 1;};
save 'A.pm' => source( 1, $assigns . ' sub put { no strict "refs"; *{"$_[0]::put"} = \&word }' );
require B; require A;
A::put('B');
save 'A.pm' => source( 2, $assigns );
reload;
is B::alias() . B::early() . B::anonymous() . B::put(), 'word2word2aword2';
save 'A.pm' => source( 3, 'die;' );
fails qr/^Died/;
is B::alias() . B::early() . B::anonymous() . B::put(), 'word2word2aword2';
save 'A.pm' => source( 4, '' );
reload;
is join( ' ', map { B->can($_) ? $_ : () } qw(alias early anonymous put) ), 'put';
is B::put(), 'word4';
save 'A.pm' => source( 5, $assigns );
reload;
is B::alias() . B::early() . B::anonymous() . B::put(), 'word5word5aword5';

# Both files at once.
save 'A.pm' => source( 6, '' );
save 'B.pm' => q{package B; sub f { 2 } 1;};
reload;
is B::f() . ( B->can('alias') ? 'alias' : '' ), '2';

# What the program has had put there, and not the load, comes back.
sub maker { qq{package C; sub put { my \$to = shift; no strict 'refs'; *{"\${to}::made"} = sub { 'made' } } 1; # $_[0]} }
save 'C.pm' => maker(1);
require C;
C::put('B');
save 'C.pm' => maker(2);
reload;
is B::made(), 'made';
