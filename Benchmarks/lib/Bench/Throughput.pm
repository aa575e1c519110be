package Bench::Throughput;
use v5.16;
use strict;
use warnings;

use Bench::Client ();
use Bench::Server ();
use File::Basename ();
use Time::HiRes   ();

my @kinds = qw(production nacre starman uwsgi);
my $script = File::Basename::dirname(__FILE__) . '/wrk.lua';

# Rounds over all servers: a list of { name, rate => [...], p50, p99, errors, unanswered, other => [...] }, times in
# milliseconds; `problem` where a server did not run.
sub measure {
    my ($kit, $application, $option) = @_;
    my @present = grep { $kit->{$_} } @kinds;
    my %seen    = map { $_ => { name => $kit->{$_}{name} } } @present;
    for my $round (1 .. $option->{rounds}) {
        for my $kind (@present) {
            my $figures = eval { round($kit->{$kind}, $application->{directory}, $option->{seconds}) };
            Bench::Server::end_all();
            if (!$figures) { $seen{$kind}{problem} = $@; next }
            push @{ $seen{$kind}{$_} }, $figures->{$_} for qw(rate p50 p99 errors unanswered);
            push @{ $seen{$kind}{other} }, @{ $figures->{other} };
            printf STDERR "round %d  %-20s %8.0f requests/s\n", $round, $kit->{$kind}{name}, $figures->{rate};
        }
        # Nobody is always first, or always behind the same neighbour.
        @present = $round % 2 ? reverse @present : (@present[1 .. $#present], $present[0]);
    }
    return [map { $seen{$_} } grep { $seen{$_} } @kinds];
}

# One server, warm, for one round.
sub round {
    my ($kind, $directory, $seconds) = @_;
    my $server = Bench::Server->start($kind, $directory);
    wrk($server->port, 1);
    return wrk($server->port, $seconds);
}

# One run of wrk; meanwhile another client opens a connection now and then.
sub wrk {
    my ($port, $seconds) = @_;
    my $pid = open my $output, '-|', qw(wrk --latency -t1 -c16 -d), $seconds, '-s', $script, "http://127.0.0.1:$port/"
        or die "wrk does not run: $!\n";
    my ($unanswered, @other) = 0;
    my $end = Time::HiRes::time() + $seconds - 0.5;
    while (Time::HiRes::time() < $end) {
        Time::HiRes::sleep(0.1);
        my $start = Time::HiRes::time();
        last if $start >= $end;
        # A client that got nothing by then has waited at least that long.
        $unanswered++ unless defined Bench::Client::body($port, $end - $start);
        push @other, 1000 * (Time::HiRes::time() - $start);
    }
    my ($line) = grep { /^figures / } <$output>;
    close $output;
    my %figures = ($line // '') =~ /(\w+)=([\d.]+)/g or die "wrk gave no figures\n";
    return { %figures, other => \@other, unanswered => $unanswered };
}

1;
