# What a module passes on comes from another one than before, or is its own now: so have it those who have it from there
use Scenario;
sub module { my ( $name, $exports, $more ) = @_; return qq{package $name; use Exporter 'import'; our \@EXPORT_OK = qw($exports); $more 1;} }
save 'A.pm'   => module( 'A',   'f', q{sub f { 'A' }} );
save 'B.pm'   => module( 'B',   'f', q{sub f { 'B' }} );
save 'Mid.pm' => module( 'Mid', 'f', q{use A 'f';} );
save 'Far.pm' => module( 'Far', 'f', q{use Mid 'f';} );
save 'C.pm'   => module( 'C',   '',  q{use Far 'f'; our $loaded; $loaded++;} );
save 'D.pm'   => module( 'D',   '',  q{use A 'f'; our $loaded; $loaded++;} );
require C;
require D;
sub f_of_all { join ' ', map { $_->can('f')->() } qw(Mid Far C D) }
save 'Mid.pm' => module( 'Mid', 'f', q{use B 'f';} );
reload;
is f_of_all(), 'B B B A';

# A sub of its own in the place of what it passed on, and back, together with a file that is loaded earlier.
save 'Mid.pm' => module( 'Mid', 'f', q{sub f { 'Mid' }} );
save 'C.pm'   => module( 'C',   '',  q{use Far 'f'; our $loaded; $loaded++; END { print 'END again' if $main::ended++ }} );
reload;
is f_of_all(), 'Mid Mid Mid A';
save 'Mid.pm' => module( 'Mid', 'f', q{use A 'f';} );
save 'C.pm'   => module( 'C',   '',  q{use Far 'f'; our $loaded; $loaded++; END { print 'END again' if $main::ended++ } 1;} );
reload;
is f_of_all(), 'A A A A';
save 'Mid.pm' => module( 'Mid', 'f', q{use B 'f'; die;} );
fails qr/^Died/;
is f_of_all(), 'A A A A';
is "$C::loaded $D::loaded", '5 1';
save 'Mid.pm' => module( 'Mid', 'f', q{use A 'f';} );

# Who has what a module has not passed on is left alone.
save 'A2.pm'   => module( 'A2',   'f', q{sub f { 'A2' }} );
save 'Mid2.pm' => module( 'Mid2', '',  q{use A2 'f'; sub import { }} );
save 'Far2.pm' => module( 'Far2', '',  q{use Mid2; } );
save 'C2.pm'   => module( 'C2',   '',  q{use Far2; use A2 'f'; our $loaded; $loaded++;} );
save 'D2.pm'   => module( 'D2',   '',  q{use A2 'f'; our $loaded; $loaded++;} );
require C2;
require D2;
save 'Mid2.pm' => module( 'Mid2', '', '' );
reload;
is "$C2::loaded $D2::loaded " . C2->can('f')->(), '1 1 A2';

# A module with an import method of its own.
save 'Own.pm'  => q{package Own; use A 'f'; sub import { no strict 'refs'; *{ caller() . '::f' } = \&f } 1;};
save 'Uses.pm' => q{package Uses; use Own; 1;};
require Uses;
save 'Own.pm' => q{package Own; use B 'f'; sub import { no strict 'refs'; *{ caller() . '::f' } = \&f } 1;};
reload;
is( Uses->can('f')->(), 'B' );

# Constants, with and without a list.
for my $list ( '', ', 0' ) {
    my $name = $list ? 'L' : 'K';
    my $more = $list ? ' 0' : '';
    save "$name/A.pm"   => module( "${name}::A",   'K', "use constant K => 1$list;" );
    save "$name/Mid.pm" => module( "${name}::Mid", 'K', "use ${name}::A 'K';" );
    save "$name/Far.pm" => module( "${name}::Far", 'K', qq{use ${name}::Mid 'K'; sub k { "\@{[K]}" }} );
    my $c = sub { save "$name/C.pm" => module( "${name}::C", '', qq{use ${name}::Far 'K'; sub k { "$_[0] \@{[K]}" }} ) };
    my $is = sub { my $c = "${name}::C"; my $far = "${name}::Far"; $far->k . ', ' . $c->k };
    $c->(1);
    require "$name/C.pm";

    # The same value from another module, which then changes it.
    save "$name/B.pm"   => module( "${name}::B",   'K', "use constant K => 1$list;" );
    save "$name/Mid.pm" => module( "${name}::Mid", 'K', "use ${name}::B 'K';" );
    reload;
    is $is->(), "1$more, 1 1$more";
    save "$name/B.pm" => module( "${name}::B", 'K', "use constant K => 2$list;" );
    reload;
    is $is->(), "2$more, 1 2$more";

    # Together with a file that is loaded earlier.
    $c->(2);
    save "$name/B.pm" => module( "${name}::B", 'K', "use constant K => 3$list;" );
    reload;
    is $is->(), "3$more, 2 3$more";
    $c->(3);
    save "$name/Mid.pm" => module( "${name}::Mid", 'K', "use constant K => 4$list;" );
    reload;
    is $is->(), "4$more, 3 4$more";
    $c->(4);
    save "$name/Mid.pm" => module( "${name}::Mid", 'K', "use ${name}::A 'K';" );
    reload;
    is $is->(), "1$more, 4 1$more";
    $c->(5);
    save "$name/Mid.pm" => module( "${name}::Mid", 'K', "use ${name}::B 'K'; die;" );
    fails qr/^Died/;
    is $is->(), "1$more, 4 1$more";
    save "$name/Mid.pm" => module( "${name}::Mid", 'K', "use ${name}::B 'K';" );
    reload;
    is $is->(), "3$more, 5 3$more";
}
