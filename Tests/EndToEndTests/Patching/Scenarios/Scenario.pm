package Scenario;

# What the scenarios are written with: each saves files in a directory of its own, loads them, saves them again and looks at
# what runs. RELOADER says what reloads; Nacre by default.
use v5.16;
use strict;
use warnings;
use Cwd ();
use File::Path ();
use File::Temp ();

my ( $directory, $clock, $wrong, @warnings ) = ( File::Temp::tempdir( CLEANUP => 1 ), time - 1000, 0 );
my $reloader = $ENV{RELOADER} // 'Nacre';
my %reload;
$directory = Cwd::realpath($directory);

sub import {
    my $to = caller;
    strict->import;
    warnings->import;
    warnings->unimport('once');
    no strict 'refs';
    *{"${to}::$_"} = \&$_ for qw(save save_as directory is reload fails refused waits warnings_are);
    chdir $directory;
    unshift @INC, $directory unless $INC[0] eq $directory;
}

sub directory {$directory}

# Each save has a time of its own, all before the program's start.
sub save {
    my ( $file, $text ) = @_;
    save_as( $file, $text, $clock += 2 );
}

sub save_as {
    my ( $file, $text, $time ) = @_;
    $file = "$directory/$file" if $file !~ m{^/};
    File::Path::make_path( $file =~ s{/[^/]*\z}{}r );
    open my $to, '>', $file or die "$file: $!";
    print $to $text;
    close $to;
    utime $time, $time, $file;
}

sub is {
    my ( $got, $expected, $what ) = @_;
    return if ( $got // 'undef' ) eq ( $expected // 'undef' );
    my ( undef, undef, $line ) = caller;
    printf "line %d: %s instead of %s%s\n", $line, $got // 'undef', $expected // 'undef', $what ? " ($what)" : '';
    $wrong++;
}

sub _check {
    local $SIG{__WARN__} = sub { push @warnings, "@_" };
    return $reload{$reloader}->(@_);
}

# Reloads; everything goes well.
sub reload {
    my $report = _check();
    my ( undef, undef, $line ) = caller;
    return $report if ref $report && $report->{ok};
    return if $reloader ne 'Nacre';
    $wrong++;
    print "line $line: nothing was reloaded\n" if !$report;
    print "line $line: failed: $report->{failed}{message}" if $report && $report->{failed};
    print map {"line $line: refused: $_: $report->{refused}{$_}\n"} sort keys %{ $report ? $report->{refused} : {} };
    print "line $line: waits: @{ $report->{waiting} }\n" if $report && @{ $report->{waiting} };
}

sub fails {
    my ($pattern) = @_;
    my $report = _check();
    return if $reloader ne 'Nacre';
    my ( undef, undef, $line ) = caller;
    my $told = $report && $report->{failed} ? $report->{failed}{message} : 'no failure';
    return if $told =~ $pattern;
    print "line $line: $told\n";
    $wrong++;
}

sub refused {
    my ($pattern) = @_;
    my $report = _check();
    return if $reloader ne 'Nacre';
    my ( undef, undef, $line ) = caller;
    my $told = join '; ', $report ? values %{ $report->{refused} } : 'nothing happened';
    return if $told =~ $pattern;
    print "line $line: $told\n";
    $wrong++;
}

sub waits {
    my $report = _check();
    return $report if $reloader ne 'Nacre' || $report && @{ $report->{waiting} };
    my ( undef, undef, $line ) = caller;
    print "line $line: it does not wait\n";
    $wrong++;
}

# The warnings so far are these.
sub warnings_are {
    my (@patterns) = @_;
    my ( undef, undef, $line ) = caller;
    my @left = grep { !/^Nacre: / } @warnings;
    for my $pattern (@patterns) {
        next if grep { $_ =~ $pattern } @left;
        print "line $line: no warning like $pattern\n";
        $wrong++;
    }
    for my $warning (@left) {
        next if grep { $warning =~ $_ } @patterns;
        print "line $line: warning: $warning";
        $wrong++;
    }
    @warnings = ();
}

%reload = ( Nacre => sub { Nacre->check } );

if ( $reloader eq 'Nacre' ) {
    require Nacre;
    Nacre->import;
}

END {
    chdir '/';
    print "$wrong wrong\n" if $wrong;
    $? ||= $wrong ? 1 : 0;
}

1;
