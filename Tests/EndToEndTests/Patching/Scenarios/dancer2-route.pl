# A route of Dancer2. Refused with a reason, and nothing changed.
use Scenario;
BEGIN { eval { require Dancer2; 1 } or do { print "skipped\n"; exit } }
save 'MyWeb.pm' => q{package MyWeb; use Dancer2; get '/' => sub { 'one' }; sub f { 'one' } 1;};
require MyWeb;
my $routes = @{ MyWeb->can('dancer_app')->()->routes->{get} };
save 'MyWeb.pm' => q{package MyWeb; use Dancer2; get '/' => sub { 'two' }; sub f { 'two' } 1;};
refused qr/routes with Dancer2/;
is MyWeb::f(), 'one';
is scalar @{ MyWeb->can('dancer_app')->()->routes->{get} }, $routes;
