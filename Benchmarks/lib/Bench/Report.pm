package Bench::Report;
use v5.16;
use strict;
use warnings;

# Tables in Markdown, and their places in the document.

sub median { percentile(50, @_) }

# The value that so many per cent of the values do not exceed; undef if there are none.
sub percentile {
    my ($percent, @values) = @_;
    return undef if !@values;
    my @sorted = sort { $a <=> $b } @values;
    return ($sorted[$#sorted / 2] + $sorted[@sorted / 2]) / 2 if $percent == 50;
    my $index = int(@sorted * $percent / 100 + 0.9999) - 1;
    return $sorted[$index < 0 ? 0 : $index];
}

# A table; columns whose heading begins with `<` are aligned to the left.
sub table {
    my ($headings, @rows) = @_;
    my @names = map { s/^<//r } @$headings;
    my @lines = (join(' | ', @names), join(' | ', map { /^</ ? '---' : '---:' } @$headings));
    return join '', map { "| $_ |\n" } @lines, map { join ' | ', @$_ } @rows;
}

# A number with one digit after the point, or a dash where there is none.
sub ms { defined $_[0] ? sprintf '%.1f', $_[0] : '–' }

sub ratio {
    my ($value, $base) = @_;
    return defined $value && $base ? sprintf '%.1f', $value / $base : '–';
}

# What went wrong, short enough for a row.
sub problem {
    my $text = $_[0] =~ s/[\s|]+/ /gr;
    return length $text > 150 ? substr($text, 0, 150) . ' ...' : $text;
}

sub thousands {
    my $number = sprintf '%.0f', $_[0];
    1 while $number =~ s/^(-?\d+)(\d{3})/$1,$2/;
    return $number;
}

# Puts the text of a part between its markers in a file.
sub write {
    my ($file, $part, $text) = @_;
    my ($begin, $end) = map { "<!-- benchmarks:$part:$_ -->" } qw(begin end);
    open my $in, '<', $file or die "cannot read $file: $!\n";
    local $/ = undef;
    my $document = <$in>;
    $document =~ s/\Q$begin\E.*\Q$end\E/$begin\n\n$text\n$end/s or die "$file has no markers $begin and $end\n";
    open my $out, '>', $file or die "cannot write $file: $!\n";
    print {$out} $document;
    close $out or die "cannot write $file: $!\n";
}

1;
