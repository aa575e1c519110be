package Bench::Report;
use v5.16;
use strict;
use warnings;

use List::Util ();

my $begin = '<!-- benchmarks:begin -->';
my $end   = '<!-- benchmarks:end -->';

sub median {
    my @sorted = sort { $a <=> $b } @_;
    return @sorted ? ($sorted[int($#sorted / 2)] + $sorted[int(@sorted / 2)]) / 2 : 0;
}

# The table of Bench::Throughput's results. Ratios are to the first of them.
sub throughput {
    my ($results) = @_;
    my $rounds = @{ $results->[0]{rate} };
    my $base   = median(@{ $results->[0]{rate} });
    my @lines  = (
        '### Hello, 2 workers, 16 kept-alive connections',
        '',
        "Medians of $rounds rounds. A 17th client opens a connection now and then: how long it",
        'waits for its answer tells whether all connections are served, or only as many as there are workers (> : no answer',
        'until wrk had finished).',
        '',
        '| server | requests/s | range | ratio | median ms | 99 % ms | errors | 17th client, median ms | slowest ms |',
        '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |'
    );
    for my $result (@$results) {
        my @rates = sort { $a <=> $b } @{ $result->{rate} };
        my @other = sort { $a <=> $b } @{ $result->{other} };
        my $errors     = List::Util::sum0(@{ $result->{errors} });
        my $unanswered = List::Util::sum0(@{ $result->{unanswered} });
        push @lines,
            sprintf '| %s | %s | %s to %s | %.2f | %.2f | %.2f | %d | %.1f | %s |', $result->{name},
            thousands(median(@rates)), thousands($rates[0]), thousands($rates[-1]), median(@rates) / $base,
            median(@{ $result->{p50} }), median(@{ $result->{p99} }), $errors, median(@other),
            ($unanswered ? '> ' : '') . int($other[-1] // 0);
    }
    return join "\n", @lines, '';
}

# The table of Bench::Freshness's results. Ratios are to the first server of each case.
sub freshness {
    my ($results) = @_;
    my $saves = $results->[0]{missed} + @{ $results->[0]{times} };
    my %base;
    my @lines = (
        '### Save to first new answer',
        '',
        "Milliseconds from the end of the save to the arrival of the first answer by the new code; $saves saves each. Missed:",
        'no such answer within 30 seconds.',
        '',
        '| application and what is edited | server | median ms | fastest | slowest | missed | ratio |',
        '| --- | --- | ---: | ---: | ---: | ---: | ---: |'
    );
    for my $result (@$results) {
        my @times = sort { $a <=> $b } @{ $result->{times} };
        my $base  = $base{ $result->{case} } //= median(@times);
        push @lines,
            sprintf '| %s | %s | %.1f | %.1f | %.1f | %d | %.1f |', $result->{case}, $result->{name}, median(@times),
            $times[0] // 0, $times[-1] // 0, $result->{missed}, $base ? median(@times) / $base : 0;
    }
    return join "\n", @lines, '';
}

sub thousands {
    my $number = sprintf '%.0f', $_[0];
    1 while $number =~ s/^(\d+)(\d{3})/$1,$2/;
    return $number;
}

# Puts the text between the markers of a file.
sub write {
    my ($file, $text) = @_;
    open my $in, '<', $file or die "cannot read $file: $!\n";
    local $/ = undef;
    my $document = <$in>;
    $document =~ s/\Q$begin\E.*\Q$end\E/$begin\n\n$text\n$end/s or die "$file has no markers $begin and $end\n";
    open my $out, '>', $file or die "cannot write $file: $!\n";
    print {$out} $document;
    close $out or die "cannot write $file: $!\n";
}

1;
