# A file that `do` loads: its value may be false, and it is compiled where it was asked for.
use Scenario;
save 'conf.pl' => q{our $setting = 1; sub conf { 'one' } 0;};
package Conf { do './conf.pl'; }
is Conf::conf(), 'one';
save 'conf.pl' => q{our $setting = 2; sub conf { 'two' } 0;};
reload;
is Conf::conf() . $Conf::setting, 'two2';
save 'conf.pl' => q{sub conf { 'three' } die 'no';};
fails qr/^no at/;
is Conf::conf() . $Conf::setting, 'two2';
