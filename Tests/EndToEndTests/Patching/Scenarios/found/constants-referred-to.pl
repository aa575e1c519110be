# Constants that a module passes on, and somebody refers to; both files are saved together
use Scenario;
my $names = join ' ', map {"K$_"} 1 .. 60;
sub exporter { my ( $name, $more ) = @_; return qq{package $name; use Exporter 'import'; our \@EXPORT_OK = qw($names); $more 1;} }
my $constants = join ' ', map {"use constant K$_ => $_;"} 1 .. 60;
sub passing { return exporter( 'Mid', qq{use B qw($names); BEGIN { my \@all = (@{[ join ',', map { "\\&$_" } split ' ', $names ]}) } # $_[0]\n} ) }
sub user { return qq{package C; use Mid qw($names); sub sum { my \$sum = 0; \$sum += \$_ for @{[ join ',', split ' ', $names ]}; return \$sum } 1; # $_[0]} }
save 'B.pm'   => exporter( 'B', $constants );
save 'Mid.pm' => passing(0);
save 'C.pm'   => user(0);
require C;
for my $round ( 1 .. 20 ) {
    save 'Mid.pm' => passing($round);
    save 'C.pm'   => user($round);
    reload;
    is C::sum(), 60 * 61 / 2;
}
