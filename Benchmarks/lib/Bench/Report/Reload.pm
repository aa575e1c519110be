package Bench::Report::Reload;
use v5.16;
use strict;
use warnings;

use Bench::Report ();

# The section of Bench::Reload's results. Ratios are to nacre in development.
sub text {
    my @results = @_;
    my @lines   = (
        '### Save to first new answer', '',
        'Milliseconds from the end of the save to the arrival of the first answer by the new code. Missed: no such answer',
        'within 12 seconds. Another client asks all the time: lost are its requests without a good answer, old those that it',
        'sent after the new code had answered and that the old code answered nevertheless. Before each save the machine is',
        'left alone until it rests, at most 2 s.', ''
    );
    for my $result (@results) {
        push @lines, "**$result->{title}**", '', table($result), limits($result), '';
    }
    return join "\n", @lines;
}

sub table {
    my ($result) = @_;
    my ($base) = map { Bench::Report::median(@{ $_->{times} // [] }) } @{ $result->{rows} };
    my @rows;
    for my $row (@{ $result->{rows} }) {
        if ($row->{problem}) { push @rows, ["$row->{name}: $row->{problem}", ('–') x 7]; next }
        my @times = @{ $row->{times} };
        my $p50   = Bench::Report::median(@times);
        push @rows, [
            $row->{name}, Bench::Report::ms($p50), Bench::Report::ms(Bench::Report::percentile(95, @times)),
            Bench::Report::ratio($p50, $base),     @times + $row->{missed}, $row->{missed},
            "$row->{lost} of $row->{asked}",       $row->{old},
        ];
    }
    return Bench::Report::table(['<server', 'p50 ms', 'p95 ms', 'ratio', 'saves', 'missed', 'lost', 'old'], @rows);
}

# What perl itself needs, and how nacre in development compares with it.
sub limits {
    my ($result) = @_;
    my $limit = $result->{limit};
    return "The limit could not be measured.\n" if !$limit || !$limit->{fork};
    my ($time, $files) = map { Bench::Report::median(@{ $limit->{$_} }) } qw(fork files);
    my $text = sprintf 'perl alone: %.1f ms to load the application\'s own files; %.1f ms for a fork and the %d file%s that must be loaded again.',
        $limit->{load}, $time, $files, $files == 1 ? '' : 's';
    my $p50 = Bench::Report::median(@{ $result->{rows}[0]{times} // [] });
    return "$text\n" if !$p50 || $limit->{load} < 20;
    return sprintf "%s nacre took %.0f %% of that load, and %.1f times as long as that fork.\n", $text, 100 * $p50 / $limit->{load}, $p50 / $time;
}

1;
