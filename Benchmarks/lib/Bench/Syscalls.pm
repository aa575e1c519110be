package Bench::Syscalls;
use v5.16;
use strict;
use warnings;

use Bench::Application::Modules ();
use Bench::Conditions           ();
use Bench::Load                 ();
use Bench::Processes            ();
use Bench::Report               ();
use Bench::Server               ();
use POSIX                       ();
use Time::HiRes                 ();

my @ways = (
    ['--reload off',         'production',  '--reload', 'off'],
    ['production',           'production'],
    ['development',          'development'],
    ['development, touch',   'development', '--reload', 'touch', '--touch-file', '../touch'],
);
my $requests = 400;

# The section about system calls: counts of nacre and its workers together, by strace, for each request.
sub measure {
    my ($kit, $scratch, $option) = @_;
    system('strace -V >/dev/null 2>&1') == 0 or die "strace is not installed\n";
    my (@rows, %paced, %busy, %names);
    my @counts = (10, 500, 2000);
    for my $count (@counts) {
        my $application = Bench::Application::Modules::make("$scratch/$count/site", $count);
        for my $way (@ways) {
            my ($name, $environment, @more) = @$way;
            my $kind = { %{ $kit->{nacre} }, command => sub { $kit->{nacre}{of}->($environment)->(@_) } };
            my $server = Bench::Server->start($kind, $application->{directory}, path => '/M0001', more => \@more);
            $paced{$name}{$count} = traced($server, "$scratch/strace", sub { Bench::Load::one($server->port, '/M0001', $requests, 0.005) });
            $busy{$name}{$count}  = traced($server, "$scratch/strace", sub { Bench::Load::many($server->port, '/M0001', $requests, 8) });
            $server->stop;
            printf STDERR "%-22s %5d modules: %s\n", $name, $count, join ' ', map { "$_ $paced{$name}{$count}{$_}" } sort keys %{ $paced{$name}{$count} };
        }
    }
    for my $way (@ways) {
        my $name = $way->[0];
        push @rows, [$name, (map { per_request($paced{$name}{$_}) } @counts), (map { per_request($busy{$name}{$_}) } @counts),
            looks($paced{$name}{ $counts[-1] })];
    }
    my $most  = $counts[-1];
    my $calls = $paced{production}{$most};
    return join "\n", '### System calls of a request', '',
        "Of `nacre` and its 2 workers together, counted by strace over $requests requests, for applications of 10, 500 and",
        '2,000 modules: on one kept-alive connection with a pause before each request, and on 8 connections without pauses',
        '(where one wake-up serves several requests). The last column: calls that look at files (`stat`, `open` and their kin).', '',
        Bench::Report::table(['<`nacre`', (map { "pause, $_" } @counts), (map { "busy, $_" } @counts), 'of files'], @rows),
        'In production, with a pause: ' . join(', ', map { sprintf '%s %.1f', $_, $calls->{$_} / $requests } sort { $calls->{$b} <=> $calls->{$a} } grep { $calls->{$_} >= $requests / 10 } keys %$calls) . '.',
        '';
}

sub per_request {
    my ($calls) = @_;
    my $sum = 0;
    $sum += $_ for values %$calls;
    return sprintf '%.2f', $sum / $requests;
}

# Calls that ask about files by name.
sub looks {
    my ($calls) = @_;
    my $sum = 0;
    $sum += $calls->{$_} for grep { /stat|open|access|readlink|getdents/ } keys %$calls;
    return $sum;
}

# The system calls that the server makes while the code runs: name => number.
sub traced {
    my ($server, $file, $code) = @_;
    my @pids = map { ('-p', $_->{pid}) } grep { Bench::Processes::role($_) =~ /nacre|worker/ } $server->processes;
    unlink $file;
    my $pid = fork // die "cannot fork: $!\n";
    if (!$pid) {
        open STDERR, '>', "$file.errors";
        exec 'strace', '-f', '-c', '-o', $file, @pids or POSIX::_exit(1);
    }
    my $end = Time::HiRes::time() + 10;
    until (Bench::Conditions::slurp("$file.errors") =~ /attached/ && is_traced($pids[-1])) {
        Time::HiRes::sleep(0.02);
        die 'strace does not attach: ' . Bench::Conditions::slurp("$file.errors") if Time::HiRes::time() > $end;
    }
    $code->();
    kill INT => $pid;
    waitpid $pid, 0;
    return { map { /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?([a-z]\w+)$/ && $2 ne 'total' ? ($2 => $1) : () }
            split /\n/, Bench::Conditions::slurp($file) };
}

sub is_traced { Bench::Conditions::slurp("/proc/$_[0]/status") =~ /^TracerPid:\s+[1-9]/m }

1;
