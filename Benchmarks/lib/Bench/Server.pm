package Bench::Server;
use v5.16;
use strict;
use warnings;

use Bench::Client ();
use IO::Socket::INET ();
use POSIX         ();
use Time::HiRes   ();

# The servers that run now: process group => 1. A process group has the server's own number, so that its workers are
# reached too.
my %running;

# The ways to serve an application that are compared, those whose programs are there: key => { name, command(application,
# port), after_save }. A command is run in the application's directory.
sub kit {
    my ($nacre) = @_;
    my %kit = (
        nacre => {
            name    => 'nacre, development',
            command => sub { ($nacre, qw(-E development -I lib -o 127.0.0.1 -w 2 -p), $_[0], 'app.psgi') },
        },
        production => {
            name    => 'nacre, production',
            command => sub { ($nacre, qw(-E production -I lib -o 127.0.0.1 -w 2 -p), $_[0], 'app.psgi') },
        },
        starman => {
            name    => 'Starman',
            program => 'starman',
            command => sub { (qw(starman -E deployment -I lib --host 127.0.0.1 --workers 2 --port), $_[0], 'app.psgi') },
        },
        uwsgi => {
            name    => 'uWSGI',
            program => 'uwsgi',
            command => sub {
                (
                    qw(uwsgi --plugin psgi --psgi app.psgi --master --processes 2 --disable-logging --die-on-term),
                    '--http11-socket', "127.0.0.1:$_[0]"
                );
            },
        },
        plackup => {
            name    => '`plackup -r`',
            program => 'plackup',
            command => sub { (qw(plackup -r -E deployment -I lib --host 127.0.0.1 --port), $_[0], 'app.psgi') },
        },
    );
    $kit{hup} = { %{ $kit{starman} }, name => 'Starman, HUP', after_save => sub { kill HUP => $_[0]{pid} } };
    for my $key (keys %kit) {
        my $program = $kit{$key}{program} or next;
        next if grep { -x "$_/$program" } split /:/, $ENV{PATH};
        say STDERR "$program is not installed: left out.";
        delete $kit{$key};
    }
    return \%kit;
}

# Starts a server of the kit on a free port and returns it when it has answered.
sub start {
    my ($class, $kind, $directory) = @_;
    my $port = free_port();
    my $log  = "$directory/server.log";
    my $pid  = fork // die "cannot fork: $!\n";
    if (!$pid) {
        setpgrp;
        chdir $directory or POSIX::_exit(1);
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', $log;
        open STDERR, '>&', \*STDOUT;
        no warnings 'exec';
        exec $kind->{command}->($port) or POSIX::_exit(1);
    }
    setpgrp $pid, $pid;
    $running{$pid} = 1;
    my $self = bless { kind => $kind, pid => $pid, port => $port, log => $log }, $class;
    my $end  = Time::HiRes::time() + 60;
    until (defined Bench::Client::body($port, 1)) {
        if (waitpid($pid, POSIX::WNOHANG()) == $pid || Time::HiRes::time() > $end) {
            die "$kind->{name} does not serve $directory:\n", $self->log;
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

sub stop {
    my ($self) = @_;
    end($self->{pid});
}

sub port { $_[0]{port} }

sub log {
    my ($self) = @_;
    open my $handle, '<', $self->{log} or return '';
    local $/ = undef;
    return <$handle>;
}

# Ends a process group: kindly, and after 5 seconds not kindly.
sub end {
    my ($pid) = @_;
    delete $running{$pid} or return;
    kill TERM => $pid;
    my $end = Time::HiRes::time() + 5;
    while (waitpid($pid, POSIX::WNOHANG()) == 0) {
        last if Time::HiRes::time() > $end;
        Time::HiRes::sleep(0.01);
    }
    kill KILL => -$pid;
    waitpid $pid, 0;
}

sub free_port {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die "no free port: $!\n";
    return $socket->sockport;
}

END {
    local $?;
    end($_) for keys %running;
}

1;
