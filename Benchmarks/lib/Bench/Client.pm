package Bench::Client;
use v5.16;
use strict;
use warnings;

use IO::Select       ();
use IO::Socket::INET ();
use Time::HiRes      ();

# The body of the answer to GET / on a new connection; undef if there is none with status 200 within `seconds`.
sub body {
    my ($port, $seconds) = @_;
    my $end    = Time::HiRes::time() + $seconds;
    my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Timeout => $seconds) or return undef;
    local $SIG{PIPE} = 'IGNORE';
    syswrite $socket, "GET / HTTP/1.1\r\nHost: 127.0.0.1:$port\r\nConnection: close\r\n\r\n" or return undef;
    my $select = IO::Select->new($socket);
    my $answer = '';
    while (1) {
        my $rest = $end - Time::HiRes::time();
        return undef if $rest <= 0 || !$select->can_read($rest);
        my $count = sysread $socket, $answer, 65536, length $answer;
        return undef if !defined $count;
        last         if $count == 0 || is_whole($answer);
    }
    return $answer =~ /\AHTTP\/1\.[01] 200 .*?\r\n\r\n(.*)\z/s ? $1 : undef;
}

# Whether all of an answer with a Content-Length is there; servers need not close at once.
sub is_whole {
    my ($head, $body) = split /\r\n\r\n/, $_[0], 2;
    return defined $body && $head =~ /^Content-Length: *(\d+)/mi && length $body >= $1;
}

1;
