package Bench::Application::Leaves;
use v5.16;
use strict;
use warnings;

use Bench::Application ();

# Modules M1, M2 ... of 7 subs, none of which mentions another one.

# The times of saved files are seconds apart, for those who see no less, and the first ones are older than the program.
my $start = time;

sub make {
    my ($directory, $count) = @_;
    save($directory, $_, 0) for 1 .. $count;
}

# Saves as most editors do. "M7"->f1(x => 1) is then 2 + the version.
sub save {
    my ($directory, $number, $version) = @_;
    my $file = "$directory/M$number.pm";
    Bench::Application::write_file("$file.new", module($number, $version));
    my $time = $version ? $start + 60 + $version : $start - 60;
    utime $time, $time, "$file.new";
    rename "$file.new", $file or die "cannot save $file: $!\n";
}

sub module {
    my ($number, $version) = @_;
    my $subs = join '', map { <<"PERL" } 1 .. 7;
sub f$_ {
    my (\$self, \%argument) = \@_;
    return \$argument{x} + $_ + $version;
}
PERL
    return "package M$number;\nuse strict;\nuse warnings;\n${subs}our \%table = (a => 1);\n1;\n";
}

1;
