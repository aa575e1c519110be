# Variables that a failed load has tied to something else, tied for the first time, or untied
use Scenario;
my $ties = q{package Tie; sub TIESCALAR { my ( $class, $v ) = @_; bless \$v, $class } sub TIEARRAY { my ( $class, $v ) = @_; bless [$v], $class }
    sub TIEHASH { my ( $class, $v ) = @_; bless { v => $v }, $class } sub FETCHSIZE { 1 }
    sub FETCH { my $self = shift; my $type = Scalar::Util::reftype($self); 'tied ' . ( $type eq 'ARRAY' ? $self->[0] : $type eq 'HASH' ? $self->{v} : $$self ) }
    package Mine; use Scalar::Util; our ( $word, @list, %map, $plain, @bare, %empty );};
save 'Mine.pm' => $ties . q{tie $word, 'Tie', 1; tie @list, 'Tie', 2; tie %map, 'Tie', 3; $plain = 4; @bare = 5; %empty = ( six => 6 ); 1;};
require Mine;
sub seen { no warnings 'once'; join ' ', $Mine::word, $Mine::list[0], $Mine::map{any}, $Mine::plain, $Mine::bare[0], $Mine::empty{six} // 'none' }
is seen(), 'tied 1 tied 2 tied 3 4 5 6';
my @before = map { ref $_ ? "$_" : $_ } tied $Mine::word, tied @Mine::list, tied %Mine::map;
save 'Mine.pm' => $ties . q{tie $word, 'Tie', 10; untie @list; @list = 20; tie %map, 'Tie', 30;
    tie $plain, 'Tie', 40; tie @bare, 'Tie', 50; tie %empty, 'Tie', 60; die; 1;};
fails qr/^Died/;
is seen(), 'tied 1 tied 2 tied 3 4 5 6';
is join( ' ', map { "$_" } tied $Mine::word, tied @Mine::list, tied %Mine::map ), join ' ', @before;
is join( ' ', map { defined $_ ? 'tied' : 'free' } tied $Mine::plain, tied @Mine::bare, tied %Mine::empty ), 'free free free';
save 'Mine.pm' => $ties . q{tie $word, 'Tie', 10; tie @list, 'Tie', 20; tie %map, 'Tie', 30; $plain = 40; @bare = 50; %empty = ( six => 60 ); 1;};
reload;
is seen(), 'tied 10 tied 20 tied 30 40 50 60';
