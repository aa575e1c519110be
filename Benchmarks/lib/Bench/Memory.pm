package Bench::Memory;
use v5.16;
use strict;
use warnings;

use Bench::Application          ();
use Bench::Application::Modules ();
use Bench::Client               ();
use Bench::Load                 ();
use Bench::Processes            ();
use Bench::Report               ();
use Bench::Server               ();
use List::Util                  ();
use Time::HiRes                 ();

my ($modules, $workers, $requests) = (1000, 8, 8000);
# What is measured: kind of server, name, reloads. Starman's HUP takes seconds each for 8 workers, and leaves new
# processes behind; with --preload-app it loads no new code.
my @subjects = (
    ['production', 'nacre',                             100],
    ['apache',     'Apache prefork, Apache2::Reload',   100],
    ['hup',        'Starman',                           3],
    ['preloaded',  'Starman --preload-app',             0],
);

# The section about memory: the proportional set size of all processes of a server.
sub measure {
    my ($kit, $scratch, $option) = @_;
    my (@rows, @shares, $base, $own);
    for my $subject (@subjects) {
        my ($kind, $name, $reloads) = @$subject;
        next if !$kit->{$kind} || $option->{case} && $name !~ /$option->{case}/i;
        my ($fresh, $worn) = eval { measure_subject($kit->{$kind}, "$scratch/$kind", $reloads) };
        if (!$fresh) { push @rows, [$name, Bench::Report::problem($@), ('–') x 5]; next }
        $base //= $fresh->{pss};
        push @rows, [$name, mib($fresh->{pss}), $reloads, $worn ? (mib($worn->{pss}), sprintf '%+.1f %%', 100 * ($worn->{pss} / $fresh->{pss} - 1)) : ('–', '–'),
            Bench::Report::ratio($fresh->{pss}, $base), scalar @{ $fresh->{processes} }];
        if ($kind eq 'production' && $worn) {
            push @shares, shares('after the start', $fresh), shares("after $reloads reloads", $worn);
            $own = sprintf "Without checkpoints and previous mold: %s MiB after the start, %s after the reloads (%+.1f %%).\n",
                (map { mib(own($_)) } $fresh, $worn), 100 * (own($worn) / own($fresh) - 1);
        }
        Bench::Server::end_all();
        say STDERR join ' ', @{ $rows[-1] };
    }
    return join "\n", "### Memory of 8 workers and 1,000 modules", '',
        'MiB of proportional set size (a page that n processes share counts for each with a nth) of all processes of a',
        "server, after a fresh start and after reloads (a leaf, a random module and others in turn); both have served $requests",
        'requests on 16 connections since the last load.', '',
        Bench::Report::table(['<server', 'fresh', 'reloads', 'after them', 'growth', 'ratio, fresh', 'processes'], @rows),
        'Of that, nacre (the previous mold is kept with its generation\'s checkpoints, for a roll back):', '',
        Bench::Report::table(['<MiB', qw(nacre base checkpoints mold), 'previous mold', 'workers', 'checkpoints, number'], @shares),
        $own // '';
}

# What serves and what the next reload needs besides checkpoints.
sub own {
    my ($state) = @_;
    return List::Util::sum0(map { $state->{roles}{$_} // 0 } qw(nacre base mold worker));
}

sub mib { sprintf '%.1f', $_[0] / 1024 }

sub measure_subject {
    my ($kind, $scratch, $reloads) = @_;
    my $application = Bench::Application::Modules::make("$scratch/site", $modules);
    my $start = sub { Bench::Server->start($kind, $application->{directory}, path => '/M0001', workers => $workers) };
    my ($server, $worn);
    if ($reloads) {
        $server = $start->();
        for my $round (1 .. $reloads) {
            my $number = $round % 2 ? int($modules * 3 / 4) : 1 + $round * 7919 % $modules;
            reload($server, $application->{edit}->($number, $round), $round, $kind);
        }
        $worn = state_of($server);
        $server->stop;
    }
    $server = $start->();
    my $fresh = state_of($server);
    $server->stop;
    return ($fresh, $worn);
}

# Saves, and waits until every worker has the new code.
sub reload {
    my ($server, $edit, $version, $kind) = @_;
    Bench::Application::save($edit);
    # Apache2::Reload compares whole seconds.
    utime time + $version, time + $version, $edit->{file} if $kind->{program} && $kind->{program} eq 'apache2';
    $server->after_save;
    my $end = Time::HiRes::time() + 20;
    until ((Bench::Client::body($server->port, 5, $edit->{path}) // '') eq "version $version\n") {
        die "version $version never came\n" if Time::HiRes::time() > $end;
        Time::HiRes::sleep(0.002);
    }
    Bench::Load::many($server->port, $edit->{path}, 64, 8);
}

# What the server takes once it has served, and the last of its old workers has gone.
sub state_of {
    my ($server) = @_;
    Bench::Load::many($server->port, '/M0001', $requests, 16);
    Time::HiRes::sleep(2);
    my @processes = $server->processes;
    return { pss => Bench::Processes::pss(@processes), processes => \@processes, roles => roles(@processes) };
}

# The PSS of each role: { checkpoint => KiB, ... }, and the number of checkpoints.
sub roles {
    my %by;
    my ($newest) = sort { $b <=> $a } map { $_->{title} =~ /^nacre worker, generation (\d+)/ } @_;
    for my $process (@_) {
        my $role = Bench::Processes::role($process);
        $role = 'previous' if $role eq 'mold' && $process->{title} =~ /generation (\d+)/ && $1 != ($newest // $1);
        $by{$role} += Bench::Processes::pss($process);
        $by{number}++ if $role eq 'checkpoint';
    }
    return \%by;
}

sub shares {
    my ($name, $state) = @_;
    return [$name, (map { mib($state->{roles}{$_} // 0) } qw(nacre base checkpoint mold previous worker)), $state->{roles}{number} // 0];
}

1;
