# What another file puts into a package that is just being loaded is not one of its imports, and stays
use Scenario;
save 'M6.pm' => q{package M6; sub word { 'word' } *M7::alias = \&word; sub import { no strict 'refs'; *{caller() . '::taken'} = \&word } 1;};
save 'M4.pm' => q{package M4; use M6 (); 1;};
save 'M7.pm' => q{package M7; use M4; use M6; sub f { 1 } 1;};
require M7;
is M7::alias() . M7::taken(), 'wordword';
save 'M7.pm' => q{package M7; use M4; sub f { 2 } 1;};
reload;
is M7::f() . ( M7->can('alias') // sub {'gone'} )->() . ( M7->can('taken') ? 'taken' : '' ), '2word';
