# What another file has put into a package before that was loaded is not one of its imports, and stays
use Scenario;
save 'M7.pm' => q{package M7; sub word { 'word' } *M9::alias = \&word; 1;};
save 'M9.pm' => q{package M9; sub f { 1 } 1;};
require M7; require M9;
is M9::alias(), 'word';
save 'M9.pm' => q{package M9; sub f { 2 } 1;};
reload;
is M9::f() . ( M9->can('alias') // sub {'gone'} )->(), '2word';
