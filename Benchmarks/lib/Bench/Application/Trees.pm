package Bench::Application::Trees;
use v5.16;
use strict;
use warnings;

use Bench::Application ();

# An application of very many very small modules, a hundred in a directory. The target of an edit is a number.
sub make {
    my ($directory, $count) = @_;
    Bench::Application::write_file(file($directory, $_), module($_, 0)) for 1 .. $count;
    my $uses = join '', map { 'use ' . name($_) . ";\n" } 1 .. $count;
    Bench::Application::write_file("$directory/lib/Tree.pm", "package Tree;\n$uses\n1;\n");
    Bench::Application::write_file("$directory/app.psgi", <<'PERL');
use Tree;
sub {
    my ($directory, $name) = $_[0]{PATH_INFO} =~ m{^/(D\d+)/(M\d+)};
    my $body = 'version ' . "Tree::${directory}::$name"->version . "\n";
    return [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $body], [$body]];
};
PERL
    return {
        directory => $directory,
        edit      => sub {
            my ($number, $version) = @_;
            return {
                file     => file($directory, $number),
                contents => module($number, $version),
                path     => '/' . name($number) =~ s{^Tree::}{}r =~ s{::}{/}gr,
            };
        },
    };
}

sub name { sprintf 'Tree::D%03d::M%05d', $_[0] / 100, $_[0] }

sub file { "$_[0]/lib/" . name($_[1]) =~ s{::}{/}gr . '.pm' }

sub module { "package @{[ name($_[0]) ]};\n\nsub version { return $_[1] }\n\n1;\n" }

1;
