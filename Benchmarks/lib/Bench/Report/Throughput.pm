package Bench::Report::Throughput;
use v5.16;
use strict;
use warnings;

use Bench::Report ();
use List::Util    ();

# The section of Bench::Throughput's results. Ratios are to the first of them.
sub text {
    my ($results) = @_;
    my $rounds = @{ $results->[0]{rate} // [] };
    my $base   = Bench::Report::median(@{ $results->[0]{rate} // [] });
    my @rows;
    for my $result (@$results) {
        my @rates      = sort { $a <=> $b } @{ $result->{rate} // [] };
        my @other      = sort { $a <=> $b } @{ $result->{other} // [] };
        my $unanswered = List::Util::sum0(@{ $result->{unanswered} // [] });
        if (!@rates) { push @rows, ["$result->{name}: " . Bench::Report::problem($result->{problem}), ('–') x 8]; next }
        push @rows, [
            $result->{name},
            Bench::Report::thousands(Bench::Report::median(@rates)),
            join(' to ', map { Bench::Report::thousands($_) } @rates[0, -1]),
            sprintf('%.2f', Bench::Report::median(@rates) / ($base || 1)),
            (map { sprintf '%.2f', Bench::Report::median(@{ $result->{$_} }) } qw(p50 p99)),
            List::Util::sum0(@{ $result->{errors} }),
            Bench::Report::ms(Bench::Report::median(@other)),
            ($unanswered ? '> ' : '') . int($other[-1] // 0),
        ];
    }
    return join "\n", '### Hello, 2 workers, 16 kept-alive connections', '',
        "Medians of $rounds rounds. A 17th client opens a connection now and then: how long it",
        'waits for its answer tells whether all connections are served, or only as many as there are workers (> : no answer',
        'until wrk had finished).', '',
        Bench::Report::table(
            ['<server', 'requests/s', 'range', 'ratio', 'median ms', '99 % ms', 'errors', '17th client, median ms', 'slowest ms'],
            @rows);
}

1;
