package Bench::Report::Front;
use v5.16;
use strict;
use warnings;

use Bench::Report ();
use List::Util    ();

# The section of Bench::Front's results: a row for each cell, a column for each server.
sub text {
    my ($result) = @_;
    my @servers = @{ $result->{servers} };
    my @rows    = map { row($_, @servers) } @{ $result->{cells} };
    my ($loop, $perlless) = map { Bench::Report::thousands($_) } @{ $result->{limits} }{qw(loop perlless)};
    return join "\n", '### Bodies, connections, servers', '',
        "Requests a second, and in brackets the 99th percentile of the time to the answer in ms; medians of $result->{rounds}",
        'rounds. 2 workers each (`plackup` has one process), wrk as the client on the same cores. `!`: some requests had no good',
        'answer in time. Kept: kept-alive connections; new: one for each request. Ratio: nacre to the fastest other server.', '',
        Bench::Report::table(['<asked for', '<connections', (map { $_->{name} } @servers), 'ratio'], @rows), '',
        '### Fairness and memory', '',
        'How many times as many answers the best-served of 16 kept-alive connections has had as the worst-served one (inf: that',
        'one had none), and the memory (PSS) of all processes after all that, in MiB.', '',
        Bench::Report::table(
            ['<server', 'best to worst', 'PSS'],
            map { [$_->{name}, spread($result, $_->{kind}), Bench::Report::ms(Bench::Report::median(@{ $result->{pss}{ $_->{kind} } // [] }))] }
                @servers),
        '',
        "For comparison: two processes that do nothing but call the application of the first row make $loop calls a second; the",
        "switchboard alone, without perl, answers $perlless requests a second on 16 new connections (a page that tells why an",
        'application did not load).', '',
        map { "$_: " . Bench::Report::problem($result->{problems}{$_}) . "\n" } sort keys %{ $result->{problems} };
}

sub row {
    my ($cell, @servers) = @_;
    my %rate = map { $_->{kind} => Bench::Report::median(@{ $cell->{of}{ $_->{kind} }{rate} // [] }) } @servers;
    my $best = List::Util::max(map { $rate{ $_->{kind} } // 0 } @servers[1 .. $#servers]);
    return [
        $cell->{asked}{name},
        "$cell->{connections} " . ($cell->{kept} ? 'kept' : 'new'),
        (map { figure($cell->{of}{ $_->{kind} }) } @servers),
        $best && $rate{ $servers[0]{kind} } ? sprintf '%.2f', $rate{ $servers[0]{kind} } / $best : '–',
    ];
}

sub figure {
    my ($of) = @_;
    my $rate = Bench::Report::median(@{ $of->{rate} // [] }) // return '–';
    my $mark = List::Util::sum0(@{ $of->{errors} }) ? ' !' : '';
    return sprintf '%s (%.1f)%s', Bench::Report::thousands($rate), Bench::Report::median(@{ $of->{p99} }), $mark;
}

sub spread {
    my ($result, $kind) = @_;
    my @spread = @{ $result->{spread}{$kind} // [] } or return '–';
    return 'inf' if grep { $_ eq 'inf' } @spread;
    return sprintf '%.1f', Bench::Report::median(@spread);
}

1;
