package Bench::Load;
use v5.16;
use strict;
use warnings;

use Bench::Client    ();
use IO::Socket::INET ();
use POSIX            ();
use Time::HiRes      ();

# Exactly so many requests on kept-alive connections; wrk only counts seconds.

# Requests one after the other on one connection, each after a pause of so many seconds.
sub one {
    my ($port, $path, $number, $pause) = @_;
    my $socket;
    for (1 .. $number) {
        Time::HiRes::sleep($pause) if $pause;
        $socket //= IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") or die "cannot connect: $!\n";
        syswrite $socket, "GET $path HTTP/1.1\r\nHost: x\r\n\r\n";
        my $answer = '';
        until (Bench::Client::is_whole($answer)) {
            sysread $socket, $answer, 65536, length $answer or die "the connection ended\n";
        }
        die "a request failed: $answer\n" if $answer !~ m{\AHTTP/1\.1 200};
        undef $socket                     if $answer =~ /^Connection: *close/mi;
    }
}

# As many requests in all, by several clients at once.
sub many {
    my ($port, $path, $number, $clients) = @_;
    my @pids;
    for (1 .. $clients) {
        my $pid = fork // die "cannot fork: $!\n";
        if (!$pid) {
            my $is_good = eval { one($port, $path, $number / $clients, 0); 1 };
            print STDERR $@ if !$is_good;
            POSIX::_exit($is_good ? 0 : 1);
        }
        push @pids, $pid;
    }
    my $failed = 0;
    for (@pids) { waitpid $_, 0; $failed ||= $? }
    die "requests failed\n" if $failed;
}

1;
