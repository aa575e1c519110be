package Bench::Patching::Plain;
use v5.16;
use strict;
use warnings;

use Bench::Report  ();
use Cwd            ();
use File::Basename ();
use File::Path     ();

my $root    = Cwd::realpath(File::Basename::dirname(__FILE__) . '/../../../..');
my @counts  = (100, 500, 2000);
my @reloaders = ('Nacre', 'Apache2::Reload', 'Module::Refresh');

# A check of each reloader in a plain perl.
sub measure {
    my ($scratch, $option) = @_;
    my %best;
    for my $round (1 .. $option->{rounds}) {
        for my $count (@counts) {
            for my $reloader ($round % 2 ? @reloaders : reverse @reloaders) {
                my $figures = figures($reloader, $count, "$scratch/$count") // next;
                say STDERR "$reloader, $count modules: @$figures us";
                push @{ $best{$reloader}{$count}[$_] }, $figures->[$_] for 0 .. $#$figures;
            }
        }
    }
    return text(\%best, $option);
}

# Microseconds: of a check that finds nothing, p50 and p95; of one that loads a module again. Nothing if it is not installed.
sub figures {
    my ($reloader, $count, $directory) = @_;
    File::Path::make_path($directory);
    my @command = ($ENV{PERL} // 'perl', "-I$root/perl/lib", "$root/Benchmarks/patching.pl", $reloader, $count, $directory);
    open my $from, '-|', @command or die "perl: $!\n";
    my $line = <$from>;
    return [split ' ', $line] if close $from;
    return undef if $? >> 8 == 3;
    die "$reloader with $count modules has ended with status " . ($? >> 8) . "\n";
}

sub text {
    my ($best, $option) = @_;
    my @rows;
    for my $what (['nothing has changed', 0, 1], ['one module has changed', 2, 3]) {
        for my $reloader (grep { $best->{$_} } @reloaders) {
            my @cells = map { cell($best->{$reloader}{$_}, @$what[1, 2]) } @counts;
            push @rows, [$what->[0], $reloader eq 'Nacre' ? '`Nacre->check`' : $reloader, @cells];
        }
    }
    return join "\n", '### A check in a plain perl, microseconds', '',
        'A program with so many modules of 7 subs, in one process. Once nothing has changed, and once a module from the middle that nobody',
        'else mentions: p50 / p95 of 101 saves. '
            . ($option->{rounds} > 1 ? "The median of $option->{rounds} rounds." : 'One round.') . ' Apache2::Reload runs outside of Apache, with `ReloadAll On`.', '',
        Bench::Report::table(['<a check when', '<of', map { Bench::Report::thousands($_) . ' modules' } @counts], @rows);
}

sub cell {
    my ($figures, @places) = @_;
    my @values = map { Bench::Report::median(@{ $figures->[$_] }) } @places;
    return join ' / ', map { $_ < 100 ? sprintf '%.1f', $_ : Bench::Report::thousands($_) } @values;
}

1;
