package Reader;
use v5.16;
use strict;
use warnings;

use Exporter 'import';

our @EXPORT_OK = qw(block commands says);

# What a document says. `section` is a heading's text; undef: the whole document.

# The first indented block of a section (that contains a text).
sub block {
    my ($file, $section, $text) = @_;
    for my $block (blocks($file, $section)) {
        return $block if !defined $text || index($block, $text) >= 0;
    }
    die "$file: no such block in `$section`" . (defined $text ? " ($text)" : '') . "\n";
}

# The lines of the blocks of a section (of the one that contains a text), and what is between backticks in its text; without what follows a #.
sub commands {
    my ($file, $section, $text) = @_;
    my @blocks = grep { !defined $text || index($_, $text) >= 0 } blocks($file, $section);
    my @lines  = grep {length} map {s/\s+#.*//r} map { split /\n/ } @blocks;
    return @lines, defined $text ? () : section($file, $section) =~ /`([^`]+)`/g;
}

# What a pattern captures, for each time that it matches.
sub says {
    my ($file, $section, $pattern) = @_;
    my $text = section($file, $section);
    my @found;
    while ($text =~ /$pattern/mg) { push @found, [map { substr $text, $-[$_], $+[$_] - $-[$_] } 1 .. $#+] }
    return @found ? \@found : die "$file does not say $pattern\n";
}

sub blocks {
    my ($file, $section) = @_;
    return map {s/^    //mgr} section($file, $section) =~ /(?:\A|\n\n)((?:    .*\n|\n(?=    ))+)/g;
}

sub section {
    my ($file, $section) = @_;
    open my $from, '<:encoding(UTF-8)', $file or die "$file: $!\n";
    my $text = do { local $/; readline $from };
    return $text if !defined $section;
    return $text =~ /^## \Q$section\E\n(.*?)(?=^## |\z)/ms ? $1 : die "$file has no section $section\n";
}

1;
