#!/usr/bin/perl
# One reloader in a plain perl: patching.pl RELOADER MODULES DIRECTORY. Prints what a check costs that finds nothing, and one
# that loads a module again whose name no other mentions: microseconds at p50 and p95.
use v5.16;
use strict;
use warnings;
use Cwd            ();
use File::Basename ();
use Time::HiRes    ();

BEGIN { unshift @INC, Cwd::realpath(File::Basename::dirname(__FILE__)) . '/lib' }

use Bench::Application::Leaves;

my ($reloader, $count, $directory) = @ARGV;
my ($checks, $saves) = ($reloader eq 'Nacre' ? 20_000 : int 200_000 / $count, 101);

my %check = (
    'Nacre'           => sub { Nacre->check },
    'Apache2::Reload' => sub { Apache2::Reload::handler(bless {}, 'Apache') },
    'Module::Refresh' => sub { Module::Refresh->refresh },
);
my $check = $check{$reloader} or die "no reloader $reloader\n";

# Apache2::Reload and mod_perl's own code to unload with, outside of Apache: what they have of Apache is not needed here.
if ($reloader eq 'Apache2::Reload') {
    $INC{"Apache2/$_.pm"} = __FILE__ for qw(Const Connection ServerUtil RequestUtil XSLoader);
    no warnings 'once';
    *Apache2::Const::OK      = sub () {0};
    *Apache2::XSLoader::load = sub { };
    *Apache::dir_config      = sub { $_[1] eq 'ReloadAll' ? 'on' : undef };
}
eval 'require ' . $reloader or exit 3;

Bench::Application::Leaves::make($directory, $count);
unshift @INC, $directory;
Nacre->import if $reloader eq 'Nacre';
require "M$_.pm" for 1 .. $count;
Module::Refresh->new if $reloader eq 'Module::Refresh';
{
    no warnings 'redefine';
    $check->() for 1 .. 3;
}

my @idle = map {
    my $began = Time::HiRes::time();
    $check->() for 1 .. $checks / 20;
    (Time::HiRes::time() - $began) / ($checks / 20);
} 1 .. 20;

my (@patch, $wrong);
my $leaf = int $count / 2;
local $SIG{__WARN__} = sub { };
for my $version (1 .. $saves) {
    Bench::Application::Leaves::save($directory, $leaf, $version);
    my $began = Time::HiRes::time();
    $check->();
    push @patch, Time::HiRes::time() - $began;
    $wrong++ if "M$leaf"->f1(x => 1) != 2 + $version;
}
die "$wrong of $saves were not seen\n" if $wrong;

sub microseconds { my ($percent, @values) = @_; sprintf '%.3f', 1e6 * (sort { $a <=> $b } @values)[$percent / 100 * $#values] }
say join ' ', map { microseconds(50, @$_), microseconds(95, @$_) } \@idle, \@patch;
