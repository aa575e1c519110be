# Moo: attribute, parent, role; what is built from them; a load that fails
use Scenario;
BEGIN { eval { require Moo; 1 } or do { print "skipped\n"; exit } }
save 'R.pm' => q{package R; use Moo::Role; requires 'f'; has r => (is => 'ro', default => 'r1'); sub by { 'by1' } around f => sub { my ($next, @all) = @_; '(' . $next->(@all) . ')' }; 1;};
save 'M.pm' => q{package M; use Moo; with 'R'; has x => (is => 'rw', default => 1); sub f { 'one' } sub gone { 1 } 1;};
save 'N.pm' => q{package N; use Moo; extends 'M'; has n => (is => 'lazy'); sub _build_n { 'n' . $_[0]->x } 1;};
save 'P.pm' => q{package P; use Moo; sub parent { 'parent' } 1;};
require N; require P;
my $object = N->new;
my $kept = \&P::parent;
is join( ' ', $object->f, $object->x, $object->n, $object->r, $object->by ), '(one) 1 n1 r1 by1';

# An attribute, a method, one that is gone.
save 'M.pm' => q{package M; use Moo; with 'R'; has x => (is => 'rw', default => 3); has y => (is => 'rw', default => 2); sub f { 'two' } 1;};
reload;
is join( ' ', $object->f, $object->x, $object->by, N->can('gone') // 'gone' ), '(two) 1 by1 gone';
is join( ' ', map { $_->f, $_->x, $_->y, $_->n, $_->r } N->new ), '(two) 3 2 n3 r1';
is join( ' ', map { $_->f, $_->x, $_->y, $_->r } M->new ), '(two) 3 2 r1';

# The role: what it gives, a modifier less; a method that the class had comes from the role now.
save 'R.pm' => q{package R; use Moo::Role; has s => (is => 'ro', default => 's2'); sub by { 'by2' } sub f { 'role' } 1;};
reload;
is join( ' ', $object->f, $object->by, N->new->s, N->can('r') // 'gone' ), 'two by2 s2 gone';
save 'M.pm' => q{package M; use Moo; with 'R'; has y => (is => 'rw', default => 2); has x => (is => 'rw', default => 3); 1;};
reload;
is join( ' ', $object->f, N->new->y ), 'role 2';

# Another parent, and a failed load after which everything is as before.
save 'N.pm' => q{package N; use Moo; extends 'P'; has n => (is => 'ro', default => 'own'); 1;};
reload;
is join( ' ', map { $_->parent, $_->n, $_->isa('M') ? 'M' : 'not M' } N->new ), 'parent own not M';
save 'P.pm' => q{package P; use Moo; has p => (is => 'ro', default => 'p'); sub parent { 'new' } die 'no'; 1;};
fails qr/^no at/;
is join( ' ', map { $_->parent, $_->n, $_->can('p') // 'none' } N->new ), 'parent own none';
save 'P.pm' => q{package P; use Moo; has p => (is => 'ro', default => 'p'); sub parent { 'new' } 1;};
reload;
is join( ' ', map { $_->parent, $_->n, $_->p } N->new ), 'new own p';
is $kept->(), 'new';

# A plain class with a role of Role::Tiny.
save 'Tiny.pm' => q{package Tiny; use Role::Tiny; sub tiny { 't1' } 1;};
save 'User.pm' => q{package User; use Role::Tiny::With; sub new { bless {} } with 'Tiny'; 1;};
require User;
save 'Tiny.pm' => q{package Tiny; use Role::Tiny; sub tiny { 't2' } sub more { 'more' } 1;};
reload;
is( User->new->tiny . User->can('more')->(), 't2more' );

# What cannot be built again is refused, and nothing changes.
my $mine = N->new;
Moo::Role->apply_roles_to_object( $mine, 'R' );
save 'N.pm' => q{package N; use Moo; extends 'P'; has n => (is => 'ro', default => 'other'); 1;};
refused qr/N__WITH__R was built from N at run time/;
is( N->new->n . $mine->f, 'ownrole' );
