package Bench::Flat;
use v5.16;
use strict;
use warnings;

use Bench::Application          ();
use Bench::Application::Modules ();
use Bench::Client               ();
use Bench::Load                 ();
use Bench::Processes            ();
use Bench::Report               ();
use Bench::Server               ();
use Time::HiRes                 ();

my ($modules, $samples) = (100, 20);
my @measures = (
    ['nacre alone, MiB',      sub { mib(grep { Bench::Processes::role($_) eq 'nacre' } @_) }],
    ['all processes, MiB',    sub { mib(@_) }],
    ['processes',             sub { scalar @_ }],
    ['nacre, descriptors',    sub { Bench::Processes::descriptors(nacre(@_)) }],
    ['all, descriptors',      sub { my $sum = 0; $sum += Bench::Processes::descriptors($_->{pid}) for @_; $sum }],
    ['watches',               sub { Bench::Processes::watches(nacre(@_)) }],
);

# The section about growth: what a server takes, sampled over many reloads and requests.
sub measure {
    my ($kit, $scratch, $option) = @_;
    my $application = Bench::Application::Modules::make("$scratch/site", $modules);
    my $server = Bench::Server->start($kit->{nacre}, $application->{directory}, path => '/M0001');
    my ($version, $requests, @series) = (0, 0);
    my $sample = sub {
        Time::HiRes::sleep(1);
        my @processes = $server->processes;
        push @series, { reloads => $version, map { $_->[0] => $_->[1]->(@processes) } @measures };
        $series[-1]{'temporary files'} = $server->files;
        say STDERR join ' ', map { sprintf '%s %d', $_, $series[-1]{$_} } sort keys %{ $series[-1] };
    };
    my ($reloads, $share) = ($option->{reloads} / $samples, $option->{requests} / $samples);
    $sample->();
    for my $round (1 .. $samples) {
        for (1 .. $reloads) {
            # A leaf, a module on which others depend, and one that comes in the middle.
            my $edit = $application->{edit}->((75, 20, 1 + $version * 37 % $modules)[$version % 3], ++$version);
            Bench::Application::save($edit);
            my $body = Bench::Client::body($server->port, 10, $edit->{path}) // 'nothing';
            die "version $version was saved, and the answer was $body\n" if $body ne "version $version\n";
        }
        Bench::Load::many($server->port, '/M0001', $share, 16);
        $requests += $share;
        $sample->();
    }
    $server->stop;
    return text($requests, @series);
}

sub nacre { (map { $_->{pid} } grep { Bench::Processes::role($_) eq 'nacre' } @_)[0] }
sub mib   { Bench::Processes::pss(@_) / 1024 }

sub text {
    my ($requests, @series) = @_;
    # The first fifth is the time in which perl and malloc come to rest.
    my $from = int(@series / 5);
    my @rows;
    for my $measure ((map { $_->[0] } @measures), 'temporary files') {
        my @values = map { $_->{$measure} } @series;
        my $format = $measure =~ /MiB/ ? '%.1f' : '%d';
        my @sorted = sort { $a <=> $b } @values[$from .. $#values];
        push @rows, [$measure, (map { sprintf $format, $_ } @values[0, 1, $from, -1], @sorted[0, -1]), slope($measure, @series[$from .. $#series])];
    }
    return join "\n", '### Flat', '',
        'One server in development, 2 workers, 100 modules, edited in turn in three places; ' . Bench::Report::thousands($series[-1]{reloads}) . ' reloads and '
            . Bench::Report::thousands($requests),
        'requests on 16 connections (besides one after each save, which must be answered by the new code). Sampled '
            . @series . ' times; the',
        'last three columns leave out the first fifth. Memory is proportional set size.', '',
        Bench::Report::table(
            ['<what', 'at the start', "after $series[1]{reloads} reloads", "after $series[$from]{reloads}", 'at the end', 'least', 'most', 'slope per 1,000 reloads'], @rows);
}

# The slope of the line through the samples, by least squares.
sub slope {
    my ($measure, @samples) = @_;
    my ($x, $y) = map { my $key = $_; my $sum = 0; $sum += $_->{$key} for @samples; $sum / @samples } 'reloads', $measure;
    my ($above, $below) = (0, 0);
    for (@samples) {
        $above += ($_->{reloads} - $x) * ($_->{$measure} - $y);
        $below += ($_->{reloads} - $x)**2;
    }
    return sprintf '%+.2f', $below ? 1000 * $above / $below : 0;
}

1;
