package Bench::Limits;
use v5.16;
use strict;
use warnings;

use Cwd            ();
use File::Basename ();

my $program = Cwd::realpath(File::Basename::dirname(__FILE__) . '/../../limits');

# What perl alone needs, in milliseconds: { load => the application's own load time, fork => [fork and load of what
# depends on each file], files => [how many files that are] }.
sub measure {
    my ($directory, @files) = @_;
    open my $output, '-|', $^X, $program, $directory, @files or die "cannot run $program: $!\n";
    my %result;
    while (<$output>) {
        $result{load} = $1 if /^load ([\d.]+)/;
        if (/^fork ([\d.]+) files (\d+)/) { push @{ $result{fork} }, $1; push @{ $result{files} }, $2 }
    }
    close $output or die "$program failed for $directory\n";
    return \%result;
}

1;
