# What the program does to packages between patches
use Scenario;
sub source {
    my ( $n, $more ) = @_;
    return qq{package A; use Exporter 'import'; our \@EXPORT_OK = qw(K f g); use constant K => $n; sub f { 'f$n' } $more sub p(\$) { "p$n\@_" } 1;};
}
save 'A.pm' => source( 1, q{sub g { 'g1' }} );
save 'B.pm' => q{package B; use A qw(f g); our $x = 1; sub all { f() . g() } 1;};
save 'C.pm' => q{package C; sub own { 'own' } 1;};
require B; require C;
save 'A.pm' => source( 2, q{sub g { 'g2' }} );
reload;
is B::all(), 'f2g2';

# Other subs, names and packages than when they were looked at last.
{
    no warnings;
    *C::f = \&A::f;
    delete $B::{x};
    $B::y = 1;
    *B::g = sub {'own'};
    undef &C::own;
}
save 'D.pm' => q{package D; use A 'K'; sub k { K } sub inner { D::Inner::f() } package D::Inner; *f = \&A::f; 1;};
require D;
save 'A.pm' => source( 3, q{sub g { 'g3' }} );
reload;
is B::all() . C::f() . D::k() . D::inner(), 'f3ownf33f3';

# An alias of a whole glob, a name that is gone and comes back, a sub without a body.
{
    no warnings;
    *E::alias = *A::f;
    my $kept = \&B::f;
    delete $B::{f};
    no strict 'refs';
    *{'B::f'} = $kept;
    delete $C::{f};
}
save 'A.pm' => source( 4, q{sub g { 'g4' } sub new4(;$) { 4 }} );
reload;
is E::alias() . B::all() . D::k() . D::inner(), 'f4f4own4f4';
is !!C->can('f'), '';

# A package that is gone; a failed load after all that.
undef %D::Inner::;
delete $D::{'Inner::'};
save 'A.pm' => source( 5, q{sub g { die } *B::g = \&g; $B::z = 1; sub Zz::new { 1 } die 'no';} );
fails qr/^no at/;
is B::all() . D::k() . A->can('new4')->(), 'f4own44';
is !!Zz->can('new'), '';
save 'A.pm' => source( 6, '' );
reload;
is( B->can('f')->() . D::k(), 'f66' );
is !!A->can('g'), '';
