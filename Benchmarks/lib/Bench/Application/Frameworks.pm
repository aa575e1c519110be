package Bench::Application::Frameworks;
use v5.16;
use strict;
use warnings;

use Bench::Application ();

# Applications of frameworks from CPAN. The edited file is a class, or a module of routes, that the application's own
# file alone uses.

# Thirty immutable Moose classes, every third with a role; the last is edited.
sub moose {
    my ($directory) = @_;
    Bench::Application::write_file("$directory/lib/Bench/Role.pm", <<'PERL');
package Bench::Role;
use Moose::Role;
requires 'size';
has label => (is => 'rw', isa => 'Str', default => 'none');
sub described { my $self = shift; return $self->label . ' of ' . $self->size }
1;
PERL
    Bench::Application::write_file("$directory/lib/Bench/Class$_.pm", moose_class($_, 0)) for 1 .. 29;
    my $uses = join '', map { "use Bench::Class$_;\n" } 1 .. 30;
    Bench::Application::write_file("$directory/app.psgi", $uses . <<'PERL');
sub {
    my $body = 'version ' . Bench::Class30->new(name => 'x')->version . "\n";
    return [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $body], [$body]];
};
PERL
    return Bench::Application::of_one_file($directory, 'lib/Bench/Class30.pm', sub { moose_class(30, $_[0]) });
}

sub moose_class {
    my ($number, $version) = @_;
    my $parent = $number > 3      ? 'extends \'Bench::Class' . int($number / 4 + 1) . "';\n" : '';
    my $use    = $number > 3      ? 'use Bench::Class' . int($number / 4 + 1) . ";\n"        : '';
    my $role   = $number % 3 == 0 ? "with 'Bench::Role';\n"                                 : '';
    return <<"PERL";
package Bench::Class$number;
use Moose;
use Bench::Role;
$use${parent}has name$number => (is => 'ro', isa => 'Str', default => 'name');
has name => (is => 'ro', isa => 'Str', default => 'name');
has size => (is => 'rw', isa => 'Int', default => $number, trigger => sub { });
has parts => (is => 'ro', isa => 'ArrayRef[Str]', lazy => 1, default => sub { [] });
${role}before name => sub { };
sub version { return $version }
__PACKAGE__->meta->make_immutable;
1;
PERL
}

# A Dancer2 application of ten modules of routes; one of them is edited.
sub dancer2 {
    my ($directory) = @_;
    Bench::Application::write_file("$directory/lib/Bench/Shop.pm", <<'PERL' . join '', map { "use Bench::Shop::Part$_;\n" } 1 .. 10);
package Bench::Shop;
use Dancer2;
set logger => 'null';
set charset => 'UTF-8';
PERL
    Bench::Application::write_file("$directory/lib/Bench/Shop/Part$_.pm", dancer2_part($_, 0)) for 1 .. 9;
    Bench::Application::write_file("$directory/app.psgi", "use Bench::Shop;\nBench::Shop->to_app;\n");
    return Bench::Application::of_one_file($directory, 'lib/Bench/Shop/Part10.pm', sub { dancer2_part(10, $_[0]) });
}

sub dancer2_part {
    my ($number, $version) = @_;
    my $own = $number == 10 ? "get '/' => sub { content_type 'text/plain'; return \"version $version\\n\" };\n" : '';
    return <<"PERL";
package Bench::Shop::Part$number;
use Dancer2 appname => 'Bench::Shop';
${own}get '/part$number/:name' => sub { return route_parameters->get('name') };
post '/part$number' => sub { return body_parameters->get('name') // 'none' };
1;
PERL
}

1;
