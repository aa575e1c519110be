package Bench::Idle;
use v5.16;
use strict;
use warnings;

use Bench::Conditions  ();
use Bench::Processes   ();
use Bench::Report      ();
use Bench::Server      ();
use IO::Socket::INET   ();
use POSIX              ();
use Time::HiRes        ();

my $wanted  = 10_000;
my $request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

# What kept-alive connections without a request take: a sentence.
sub measure {
    my ($kind, $directory) = @_;

    # The server takes two descriptors for each.
    my $possible = POSIX::sysconf(POSIX::_SC_OPEN_MAX()) / 2 - 200;
    my $count    = $possible < $wanted ? int $possible : $wanted;
    my $server   = Bench::Server->start($kind, $directory, more => ['--keepalive-timeout', 3600]);
    ask(connected($server->port)) for 1 .. 100;
    my @before  = (memory($server), kernel());
    my @sockets = map { my $socket = connected($server->port); ask($socket); $socket } 1 .. $count;
    my @after   = (memory($server), kernel());
    my $served  = grep { ask($_) } @sockets;
    $server->stop;
    return sprintf '%s kept-alive connections without a request: %.2f KiB each in the processes of nacre (PSS), and %.1f KiB in the '
        . "kernel's tables for both ends of it. After that %s of them were served again.",
        Bench::Report::thousands($count), ($after[0] - $before[0]) / $count, ($after[1] - $before[1]) / $count, Bench::Report::thousands($served);
}

sub connected {
    my ($port) = @_;
    return IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") // die "connect: $!\n";
}

# Whether there is an answer.
sub ask {
    my ($socket) = @_;
    syswrite $socket, $request or return;
    return sysread $socket, my $answer, 4096;
}

# In KiB, when all has come to rest.
sub memory {
    my ($server) = @_;
    Time::HiRes::sleep(3);
    return Bench::Processes::pss($server->processes);
}

sub kernel { Bench::Conditions::slurp('/proc/meminfo') =~ /^SUnreclaim:\s+(\d+)/m ? $1 : 0 }

1;
