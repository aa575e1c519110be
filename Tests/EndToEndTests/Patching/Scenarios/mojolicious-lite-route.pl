# A route of Mojolicious::Lite. Refused with a reason, and nothing changed.
use Scenario;
BEGIN { eval { require Mojolicious::Lite; 1 } or do { print "skipped\n"; exit } }
save 'Lite.pm' => q{package Lite; use Mojolicious::Lite; get '/' => { text => 'one' }; sub f { 'one' } 1;};
require Lite;
save 'Lite.pm' => q{package Lite; use Mojolicious::Lite; get '/' => { text => 'two' }; sub f { 'two' } 1;};
refused qr/routes with Mojolicious::Lite/;
is Lite::f(), 'one';
