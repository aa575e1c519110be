package Bench::Server;
use v5.16;
use strict;
use warnings;

use Bench::Client    ();
use Bench::Processes ();
use File::Basename   ();
use IO::Socket::INET ();
use POSIX            ();
use Time::HiRes      ();

# The servers that run now: session => 1. A session has the server's own number, so that its workers, and a server that
# has put another in its place (hypnotoad), are found too.
my %running;

# Starts a server of the kit for an application on a free port and returns it when it has answered. What the server
# writes goes beside the application's directory: some servers watch all that is in it. Options: workers (2), path (what
# is asked for), status (that a good answer has, 200), more (further arguments).
sub start {
    my ($class, $kind, $directory, %option) = @_;
    my $port    = free_port();
    my $workers = $option{workers} // 2;
    my $beside  = File::Basename::dirname($directory);
    my $log     = "$beside/server.log";
    my @command = $kind->{command}->($port, $workers, $directory);
    splice @command, 1, 0, @{ $option{more} // [] };
    my $pid = fork // die "cannot fork: $!\n";
    if (!$pid) {
        POSIX::setsid();
        chdir $directory or POSIX::_exit(1);
        %ENV = (%ENV, XDG_RUNTIME_DIR => $beside, TMPDIR => $beside, $kind->{environment} ? $kind->{environment}->($port, $workers) : ());
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', $log;
        open STDERR, '>&', \*STDOUT;
        no warnings 'exec';
        exec @command or POSIX::_exit(1);
    }
    $running{$pid} = 1;
    my $self = bless { kind => $kind, pid => $pid, port => $port, log => $log, beside => $beside }, $class;
    my $end  = Time::HiRes::time() + 60;
    until (defined Bench::Client::body($port, 5, $option{path}, $option{status})) {
        if (waitpid($pid, POSIX::WNOHANG()) == $pid || Time::HiRes::time() > $end) {
            my $what = $self->log;
            $self->stop;
            die "$kind->{name} does not serve: ", substr($what, 0, 500), "\n";
        }
        Time::HiRes::sleep(0.02);
    }
    return $self;
}

# Tells the server that a file was saved, if it must be told.
sub after_save {
    my ($self) = @_;
    $self->{kind}{after_save}->($self) if $self->{kind}{after_save};
}

# Waits, so many seconds at most, until a nacre that looks for a better order of loading has nothing left to find out.
sub await_order {
    my ($self, $seconds) = @_;
    my $nacre = $self->{kind}{status} or return;
    local $ENV{XDG_RUNTIME_DIR} = $self->{beside};
    my $end = Time::HiRes::time() + $seconds;
    while (Time::HiRes::time() < $end) {
        open my $status, '-|', $nacre, 'status', '--json', '-p', $self->{port} or return;
        local $/ = undef;
        return if (readline($status) // '') =~ /"settled"\s*:\s*true/;
        Time::HiRes::sleep(0.25);
    }
}

sub stop {
    my ($self) = @_;
    end($self->{pid});
}

sub port { $_[0]{port} }
sub pid  { $_[0]{pid} }
sub name { $_[0]{kind}{name} }

sub log {
    my ($self) = @_;
    open my $handle, '<', $self->{log} or return '';
    local $/ = undef;
    return <$handle> // '';
}

# Ends a session: kindly, and after 5 seconds not kindly.
sub end {
    my ($pid) = @_;
    delete $running{$pid} or return;
    kill TERM => $pid;
    my $end = Time::HiRes::time() + 5;
    while (waitpid($pid, POSIX::WNOHANG()) == 0) {
        last if Time::HiRes::time() > $end;
        Time::HiRes::sleep(0.01);
    }
    for my $try (1 .. 100) {
        my @left = Bench::Processes::of_session($pid) or last;
        kill KILL => map { $_->{pid} } @left;
        Time::HiRes::sleep(0.01);
    }
    waitpid $pid, 0;
}

# What lies beside the application's directory: control sockets, temporary files, logs.
sub files { my @files = glob "$_[0]{beside}/* $_[0]{beside}/.[!.]*"; return @files }

# The processes that belong to the server.
sub processes { Bench::Processes::of_session($_[0]{pid}) }

# Ends whatever still runs: for a part of the benchmarks that failed.
sub end_all { end($_) for keys %running }

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "no free port: $!\n";
    return $socket->sockport;
}

END {
    local $?;
    end_all();
}

1;
