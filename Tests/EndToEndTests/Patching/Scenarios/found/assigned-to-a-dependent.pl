# What a file assigns to a name of a package that is loaded again because of the same change
use Scenario;
sub source { my ( $n, $more ) = @_; return qq{package A; use Exporter 'import'; our \@EXPORT_OK = qw(K f); use constant K => $n; sub word { 'word$n' } sub f { 'f$n' } $more 1;} }
save 'A.pm' => source( 1, '' );
save 'B.pm' => q{package B; use A qw(K f); sub k { K . f() } 1;};
require A; require B;
is B::k(), '1f1';
save 'A.pm' => source( 2, '*B::alias = \&word;' );
reload;
is B::k() . ( B->can('alias') // sub {'gone'} )->(), '2f2word2';
save 'A.pm' => source( 3, '*B::alias = \&word;' );
reload;
is B::k() . ( B->can('alias') // sub {'gone'} )->(), '3f3word3';
save 'A.pm' => source( 4, '' );
reload;
is B::k() . ( B->can('alias') // sub {'gone'} )->(), '4f4gone';
