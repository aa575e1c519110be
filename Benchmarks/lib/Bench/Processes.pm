package Bench::Processes;
use v5.16;
use strict;
use warnings;

use Bench::Conditions ();
use List::Util        ();
use Time::HiRes       ();

# What the kernel tells about the processes of a server. They are those of its session.

# Every process of a session that still runs: a list of { pid, title }.
sub of_session {
    my ($session) = @_;
    my @found;
    for my $directory (glob '/proc/[0-9]*') {
        my ($state, $own) = Bench::Conditions::slurp("$directory/stat") =~ /.*\) (\S) \S+ \S+ (\d+)/s or next;
        next if $own != $session || $state eq 'Z';
        my $title = Bench::Conditions::slurp("$directory/cmdline") =~ tr/\0/ /r;
        push @found, { pid => $directory =~ s{.*/}{}r, title => $title };
    }
    return @found;
}

# What a process of nacre's is for.
sub role {
    my ($process) = @_;
    return $process->{title} =~ /^nacre (base|checkpoint|mold|worker|loading)/ ? $1 : 'nacre';
}

# The proportional set size of processes in KiB: shared pages count for each of n processes with a nth.
sub pss {
    return List::Util::sum0(map { Bench::Conditions::slurp("/proc/$_->{pid}/smaps_rollup") =~ /^Pss:\s+(\d+)/m ? $1 : 0 } @_);
}

# Pages that are some process's own, in KiB.
sub private {
    return List::Util::sum0(
        map { Bench::Conditions::slurp("/proc/$_->{pid}/smaps_rollup") =~ /^Private_Dirty:\s+(\d+)/m ? $1 : 0 } @_);
}

# Open descriptors of a process.
sub descriptors { scalar(my @entries = glob "/proc/$_[0]/fd/*") }

# The inotify watches of a process.
sub watches {
    my ($pid) = @_;
    my $count = 0;
    for my $file (glob "/proc/$pid/fdinfo/*") { $count += () = Bench::Conditions::slurp($file) =~ /^inotify wd:/mg }
    return $count;
}

# How often processes have given up the processor to wait for something: every wake-up ends with one.
sub wakeups {
    return List::Util::sum0(
        map { Bench::Conditions::slurp("/proc/$_->{pid}/status") =~ /^voluntary_ctxt_switches:\s+(\d+)/m ? $1 : 0 } @_);
}

# Waits until the machine rests, at most so many seconds: what a server does in the background after a save must not
# slow down the next one.
sub await_rest {
    my ($most) = @_;
    my $end = Time::HiRes::time() + $most;
    my ($all, $idle) = ticks();
    while (Time::HiRes::time() < $end) {
        Time::HiRes::sleep(0.1);
        my ($all_now, $idle_now) = ticks();
        return if $all_now > $all && $idle_now - $idle >= 0.85 * ($all_now - $all);
        ($all, $idle) = ($all_now, $idle_now);
    }
}

sub ticks {
    my (undef, @ticks) = split ' ', Bench::Conditions::slurp('/proc/stat') =~ s/\n.*//sr;
    return (List::Util::sum0(@ticks[0 .. 7]), $ticks[3] + $ticks[4]);
}

# The processor time of processes, in seconds.
sub seconds {
    my $ticks = 0;
    for my $process (@_) {
        my @fields = split ' ', Bench::Conditions::slurp("/proc/$process->{pid}/stat") =~ s/.*\) //sr;
        $ticks += ($fields[11] // 0) + ($fields[12] // 0);
    }
    return $ticks / 100;
}

1;
