# The example that `make run` serves: an oyster bar's menu. Change any file of this directory
# while it runs, and press reload in the browser.
use v5.16;
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use OysterBar::Menu;
use OysterBar::Page;

my $menu = OysterBar::Menu->from_file("$FindBin::Bin/menu.conf");
my $page = OysterBar::Page->new("$FindBin::Bin/templates/menu.html");

sub {
    my ($env) = @_;
    return [ 404, [ 'Content-Type' => 'text/plain' ], ["No such page\n"] ] if $env->{PATH_INFO} ne '/';
    return [ 200, [ 'Content-Type' => 'text/html; charset=utf-8' ], [ $page->fill( $menu->for_page ) ] ];
};
