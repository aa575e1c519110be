package Bench::Slow;
use v5.16;
use strict;
use warnings;

use Bench::Application ();
use Bench::Idle        ();
use Bench::Report      ();
use Bench::Server      ();
use Bench::Throughput  ();
use IO::Socket::INET   ();
use POSIX              ();
use Time::HiRes        ();

my $clients = 1000;

# Whom the slow clients send to. Their sending costs the machine something, whoever gets it: a socket that nobody reads shows how
# much.
my @crowds = ('none', 'of a socket that nobody reads', 'of nacre');

# The section about slow clients: normal load alone, and beside clients that send a byte a second.
sub measure {
    my ($kit, $scratch, $option) = @_;
    my $application = Bench::Application::hello("$scratch/site");
    my %seen;
    for my $round (1 .. $option->{rounds}) {
        for my $slow ($round % 2 ? @crowds : reverse @crowds) {
            my $server  = Bench::Server->start($kit->{production}, $application->{directory});
            my $unread  = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => $clients) or die "listen: $!\n";
            my $crowd   = $slow eq 'none' ? undef : start($slow eq 'of nacre' ? $server->port : $unread->sockport, $clients);
            my $figures = Bench::Throughput::wrk($server->port, 1) && Bench::Throughput::wrk($server->port, $option->{seconds});
            my $left    = $crowd ? finish($crowd) : 0;
            $server->stop;
            push @{ $seen{$slow}{$_} }, $figures->{$_} for qw(rate p50 p99);
            push @{ $seen{$slow}{other} }, @{ $figures->{other} };
            push @{ $seen{$slow}{left} }, $left;
            printf STDERR "round %d  slow clients: %-30s %8.0f requests/s, p50 %.2f ms\n", $round, $slow, $figures->{rate}, $figures->{p50};
        }
    }
    my @rows = map {
        my $figures = $seen{$_};
        [$_, (map { Bench::Report::median(@{ $figures->{$_} }) } qw(rate p50 p99 other)), (sort { $a <=> $b } @{ $figures->{left} })[0]];
    } @crowds;
    return join "\n", '### Slow clients', '',
        "wrk on 16 connections in production with 2 workers, alone and beside $clients connections that send a request's head, and then its",
        'body, at one byte a second: medians of the rounds, times in milliseconds. Their sending costs the machine something, whoever gets it;',
        "the second row shows how much. 'new' is a request on a new connection. The last column: how many slow clients were still connected in the",
        'end.', '',
        Bench::Report::table(['slow clients', 'requests/s', 'p50', 'p99', 'new', 'connected'],
            map { [$_->[0], sprintf('%.0f', $_->[1]), (map { sprintf '%.2f', $_ } @$_[2 .. 4]), $_->[5]] } @rows),
        '', Bench::Idle::measure($kit->{production}, $application->{directory}), '';
}

# A process with so many connections that each send a byte a second; a pipe ends it.
sub start {
    my ($port, $number) = @_;
    pipe my $control, my $end or die "pipe: $!\n";
    pipe my $result,  my $out or die "pipe: $!\n";
    my $pid = fork // die "cannot fork: $!\n";
    if (!$pid) {
        close $end;
        close $result;
        my $left = eval { trickle($port, $number, $control, $out) };
        syswrite $out, ($left // 0) . "\n";
        POSIX::_exit(0);
    }
    close $control;
    close $out;
    readline($result) // die "the slow clients cannot connect\n";
    return { pid => $pid, end => $end, result => $result };
}

sub finish {
    my ($crowd) = @_;
    close $crowd->{end};
    chomp(my $left = readline($crowd->{result}) // 0);
    waitpid $crowd->{pid}, 0;
    return $left;
}

# The bytes are spread over the second, as those of clients that know nothing of each other are.
sub trickle {
    my ($port, $number, $control, $out) = @_;
    my $request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n";
    my @sockets = map { IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") // die "connect: $!\n" } 1 .. $number;
    local $SIG{PIPE} = 'IGNORE';
    # Half of them are in their bodies already.
    my @sent = map { $_ % 2 ? 0 : length $request } 1 .. $number;
    for my $index (0 .. $#sockets) { syswrite $sockets[$index], $request if $sent[$index] }
    syswrite $out, "connected\n";
    my ($at, $step) = (0, $number / 100);
    while (1) {
        for (1 .. $step) {
            my $index = $at++ % $number;
            my $byte  = $sent[$index] < length $request ? substr $request, $sent[$index], 1 : 'x';
            $sent[$index]++ if syswrite $sockets[$index], $byte;
        }
        my $ready = '';
        vec($ready, fileno $control, 1) = 1;
        last if select $ready, undef, undef, 0.01;
    }
    my $left = 0;
    for my $socket (@sockets) {
        $socket->blocking(0);
        my $count = sysread $socket, my $some, 1;
        $left++ if !defined $count && $!{EAGAIN};
    }
    return $left;
}

1;
