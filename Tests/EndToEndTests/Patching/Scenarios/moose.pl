# Moose: attribute, parent, role of an immutable class; what is built from them; a load that fails
use Scenario;
BEGIN { eval { require Moose; 1 } or do { print "skipped\n"; exit } }
sub class { my ( $name, $text ) = @_; save "$name.pm" => "package $name; use Moose; $text no Moose; __PACKAGE__->meta->make_immutable; 1;" }
save 'R.pm' => q{package R; use Moose::Role; requires 'f'; has r => (is => 'ro', default => 'r1'); sub by { 'by1' } around f => sub { my ($next, @all) = @_; '(' . $next->(@all) . ')' }; 1;};
class M => q{with 'R'; has x => (is => 'rw', default => 1); sub f { 'one' } sub gone { 1 }};
class N => q{extends 'M'; has n => (is => 'ro', lazy => 1, default => sub { 'n' . $_[0]->x });};
class P => q{sub parent { 'parent' }};
require N; require P;
my $object = N->new;
my $kept = \&P::parent;
is join( ' ', $object->f, $object->x, $object->n, $object->r, $object->by ), '(one) 1 n1 r1 by1';

# An attribute, a method, one that is gone.
class M => q{with 'R'; has x => (is => 'rw', default => 3); has y => (is => 'rw', default => 2); sub f { 'two' }};
reload;
is join( ' ', $object->f, $object->x, $object->by, N->can('gone') // 'gone' ), '(two) 1 by1 gone';
is join( ' ', map { $_->f, $_->x, $_->y, $_->n, $_->r } N->new ), '(two) 3 2 n3 r1';
is join( ' ', sort map { $_->name } N->meta->get_all_attributes ), 'n r x y';
is( N->meta->is_immutable . M->meta->is_immutable, 11 );

# The role: what it gives, a modifier less; a method that the class had comes from the role now.
save 'R.pm' => q{package R; use Moose::Role; has s => (is => 'ro', default => 's2'); sub by { 'by2' } sub f { 'role' } 1;};
reload;
is join( ' ', $object->f, $object->by, N->new->s, N->can('r') // 'gone' ), 'two by2 s2 gone';
class M => q{with 'R'; has y => (is => 'rw', default => 2); has x => (is => 'rw', default => 3);};
reload;
is join( ' ', $object->f, N->new->y ), 'role 2';

# Another parent, and a failed load after which everything is as before.
class N => q{extends 'P'; has n => (is => 'ro', default => 'own');};
reload;
is join( ' ', map { $_->parent, $_->n, $_->isa('M') ? 'M' : 'not M' } N->new ), 'parent own not M';
class P => q{has p => (is => 'ro', default => 'p'); sub parent { 'new' } die 'no';};
fails qr/^no at/;
is join( ' ', map { $_->parent, $_->n, $_->can('p') // 'none', scalar $_->meta->get_all_attributes } N->new ), 'parent own none 1';
is( P->meta->is_immutable . P->meta->has_method('parent') . ( N->meta->superclasses )[0], "11P" );
class P => q{has p => (is => 'ro', default => 'p'); sub parent { 'new' }};
reload;
is join( ' ', map { $_->parent, $_->n, $_->p } N->new ), 'new own p';
is $kept->(), 'new';

# What cannot be built again is refused, and nothing changes.
my $mine = N->new;
Moose::Util::apply_all_roles( $mine, 'R' );
class N => q{extends 'P'; has n => (is => 'ro', default => 'other');};
refused qr/__ANON__::SERIAL::\d+ was built from N at run time/;
is( N->new->n . $mine->f, 'ownrole' );
save 'T.pm' => q{package T; use Moose; use Moose::Util::TypeConstraints; subtype 'Small', as 'Int', where { $_ < 10 }; has t => (is => 'ro', isa => 'Small'); 1;};
require T;
save 'T.pm' => q{package T; use Moose; use Moose::Util::TypeConstraints; subtype 'Small', as 'Int', where { $_ < 5 }; has t => (is => 'ro', isa => 'Small'); 1;};
refused qr/T is a Moose class that defines the type Small/;
is( T->new( t => 7 )->t, 7 );
