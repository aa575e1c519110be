# DATA is read anew; after a failed load it is where it was.
use Scenario;
my $text = qq{package A; sub row { scalar readline DATA } 1;\n__DATA__\none NUMBER\ntwo NUMBER\n};
save 'A.pm' => $text =~ s/NUMBER/1/gr;
require A;
is A::row(), "one 1\n";
my $open = () = glob '/proc/self/fd/*';
save 'A.pm' => $text =~ s/NUMBER/x/gr =~ s/package A;/package A; die 'no';/r;
fails qr/^no at/;
is A::row(), "two 1\n";
for my $n ( 2 .. 4 ) {
    save 'A.pm' => $text =~ s/NUMBER/$n/gr;
    reload;
    is A::row(), "one $n\n";
}
is scalar( () = glob '/proc/self/fd/*' ) <= $open + 1, 1, 'descriptors';
