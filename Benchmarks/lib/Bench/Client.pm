package Bench::Client;
use v5.16;
use strict;
use warnings;

use IO::Select       ();
use IO::Socket::INET ();
use POSIX            ();
use Time::HiRes      ();

# The body of the answer to GET `path` on a new connection; undef if there is none with that status (200) within `seconds`.
sub body {
    my ($port, $seconds, $path, $status) = @_;
    $path   //= '/';
    $status //= 200;
    my $end    = Time::HiRes::time() + $seconds;
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Timeout => $seconds) or return undef;
    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, "GET $path HTTP/1.1\r\nHost: 127.0.0.1:$port\r\nConnection: close\r\n\r\n" or return undef;
    my $select = IO::Select->new($socket);
    my $answer = '';
    while (1) {
        my $rest = $end - Time::HiRes::time();
        return undef if $rest <= 0 || !$select->can_read($rest);
        my $count = sysread $socket, $answer, 65536, length $answer;
        return undef if !defined $count;
        last         if $count == 0 || is_whole($answer);
    }
    return $answer =~ /\AHTTP\/1\.[01] $status .*?\r\n\r\n(.*)\z/s ? $1 : undef;
}

# A connection that is kept.
sub keep {
    my ($class, $port) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Timeout => 20) or die "no connection: $!\n";
    return bless { port => $port, socket => $socket }, $class;
}

# The body of the answer to GET `path` on a kept connection.
sub ask {
    my ($self, $path) = @_;
    local $SIG{PIPE} = 'IGNORE';
    syswrite $self->{socket}, "GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n" or die "the connection is closed: $!\n";
    my $answer = '';
    until (is_whole($answer)) {
        sysread $self->{socket}, $answer, 65536, length $answer or die "the answer to $path has ended early: $answer\n";
    }
    return $answer =~ /\AHTTP\/1\.1 200 .*?\r\n\r\n(.*)\z/s ? $1 : die "$path: $answer\n";
}

# Whether all of an answer with a Content-Length is there; servers need not close at once.
sub is_whole {
    my ($head, $body) = split /\r\n\r\n/, $_[0], 2;
    return defined $body && $head =~ /^Content-Length: *(\d+)/mi && length $body >= $1;
}

# A client in a process of its own that asks again and again on new connections, until it is stopped. Times are those
# of Time::HiRes.
sub watch {
    my ($class, $port, $path, $notes) = @_;
    my $pid = fork // die "cannot fork: $!\n";
    if (!$pid) {
        open my $log, '>', $notes or POSIX::_exit(1);
        $log->autoflush;
        local $SIG{TERM} = sub { POSIX::_exit(0) };
        while (1) {
            my $sent = Time::HiRes::time();
            my $body = body($port, 20, $path) // 'failed';
            chomp $body;
            printf {$log} "%.6f %s\n", $sent, $body;
            Time::HiRes::sleep(0.004);
        }
    }
    return bless { pid => $pid, notes => $notes }, $class;
}

# Stops it, and tells what it was answered: a list of { sent, body }, with the body `failed` where it got no good answer.
sub stop {
    my ($self) = @_;
    kill TERM => $self->{pid};
    waitpid $self->{pid}, 0;
    open my $log, '<', $self->{notes} or return;
    my @answers = map { /^([\d.]+) (.*)/ ? { sent => $1, body => $2 } : () } <$log>;
    unlink $self->{notes};
    return @answers;
}

1;
