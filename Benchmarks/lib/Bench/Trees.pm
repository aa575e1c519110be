package Bench::Trees;
use v5.16;
use strict;
use warnings;

use Bench::Application        ();
use Bench::Application::Trees ();
use Bench::Client             ();
use Bench::Processes          ();
use Bench::Report             ();
use Bench::Server             ();
use Time::HiRes               ();

my ($saves, $rest) = (9, 10);

# The section about large trees.
sub measure {
    my ($kit, $scratch, $option) = @_;
    my @lines;
    for my $part (\&checkouts, \&sizes) {
        my $text = eval { $part->($kit, $scratch, $option) };
        push @lines, $text // 'This could not be measured: ' . Bench::Report::problem($@), '';
        Bench::Server::end_all();
    }
    return join "\n", @lines;
}

# A checkout of a branch that changes 2,000 of 5,000 files, back and forth.
sub checkouts {
    my ($kit, $scratch) = @_;
    my ($all, $changed, $times) = (5000, 2000, 4);
    my $application = Bench::Application::Trees::make("$scratch/checkout/site", $all);
    my $git = sub { system('git', '-C', $application->{directory}, @_) == 0 or die "git @_ failed\n" };
    $git->(qw(init -q -b one));
    $git->(qw(config gc.auto 0));
    $git->('config', @$_) for ['user.name', 'bench'], ['user.email', 'bench@localhost'];
    $git->(qw(add .));
    $git->(qw(commit -q -m one));
    $git->(qw(checkout -q -b two));
    my @numbers = map { 1 + $_ * $all / $changed } 0 .. $changed - 1;
    for (@numbers) { my $edit = $application->{edit}->($_, 2); Bench::Application::write_file($edit->{file}, $edit->{contents}) }
    $git->(qw(commit -q -a -m two));
    $git->(qw(checkout -q one));
    my @rows;
    for my $kind (qw(nacre production)) {
        my ($first, $last) = map { $application->{edit}->($_, 0)->{path} } @numbers[0, -1];
        my $server = Bench::Server->start($kit->{$kind}, $application->{directory}, path => $first);
        my (@steps, @git, @served);
        for my $round (1 .. $times) {
            my $before = generation($kit, $server);
            my $branch = $round % 2 ? 'two' : 'one';
            my $began  = Time::HiRes::time();
            $git->('checkout', '-q', $branch);
            my $done = Time::HiRes::time();
            my $want = sprintf "version %d\n", $round % 2 ? 2 : 0;
            for my $path ($first, $last) {
                until ((Bench::Client::body($server->port, 20, $path) // '') eq $want) {
                    die "the checkout was not served\n" if Time::HiRes::time() > $done + 60;
                    Time::HiRes::sleep(0.005);
                }
            }
            push @git,    1000 * ($done - $began);
            push @served, 1000 * (Time::HiRes::time() - $done);
            # One that was begun too early would be followed by others.
            Time::HiRes::sleep(3);
            push @steps, generation($kit, $server) - $before;
        }
        $server->stop;
        push @rows, [$kit->{$kind}{name}, join(', ', @steps), (map { Bench::Report::ms(Bench::Report::median(@$_)) } \@git, \@served)];
        say STDERR join ' | ', @{ $rows[-1] };
    }
    return join "\n", '### A checkout that changes 2,000 of 5,000 files', '',
        "`git checkout` of the other branch, $times times; all files are loaded. Generations: how many each checkout led to.", '',
        Bench::Report::table(['<server', 'generations', 'git ran, ms', 'from its end to the new answer, ms'], @rows);
}

# The number of the generation that runs.
sub generation {
    my ($kit, $server) = @_;
    my ($newest) = sort { $b <=> $a } map { $_->{title} =~ /^nacre worker, generation (\d+)/ } $server->processes;
    return $newest // 0;
}

# Start, save and rest by the number of watched files.
sub sizes {
    my ($kit, $scratch, $option) = @_;
    my @rows;
    for my $count (10, 1000, $option->{files}) {
        my $application = Bench::Application::Trees::make("$scratch/$count/site", $count);
        my $row = eval { size($kit->{nacre}, $application, $count) };
        push @rows, $row // [$count, Bench::Report::problem($@), ('–') x 8];
        say STDERR join ' | ', @{ $rows[-1] };
        Bench::Server::end_all();
        system 'rm', '-rf', "$scratch/$count";
    }
    return join "\n", '### Watched files', '',
        "In development, 2 workers, modules of 5 lines, 100 in each directory. Save: from the save of the module that is loaded",
        "last to its new answer, $saves saves. At rest: wake-ups (voluntary context switches) of `nacre` and of all Perl processes",
        "together, and their processor time, in the quietest of at most three stretches of $rest s in which nothing happens.", '',
        Bench::Report::table(
            ['watched files', 'watches', 'start, s', 'perl alone, s', 'save, p50 ms', 'p95 ms', 'wake-ups of nacre', 'of perl', 'CPU s', 'nacre, MiB'], @rows);
}

sub size {
    my ($kind, $application, $count) = @_;
    my $began = Time::HiRes::time();
    system($^X, "-I$application->{directory}/lib", '-e', 'do $ARGV[0] or die $@', "$application->{directory}/app.psgi") == 0 or die "perl does not load the application\n";
    my $alone  = Time::HiRes::time() - $began;
    my $edit   = $application->{edit}->($count, 0);
    $began = Time::HiRes::time();
    my $server = Bench::Server->start($kind, $application->{directory}, path => $edit->{path});
    my $start  = Time::HiRes::time() - $began;
    my @times;
    for my $version (1 .. $saves) {
        Time::HiRes::sleep(0.3);
        my $next = $application->{edit}->($count, $version);
        Bench::Application::save($next);
        my $saved = Time::HiRes::time();
        until ((Bench::Client::body($server->port, 30, $next->{path}) // '') eq "version $version\n") {
            die "version $version never came\n" if Time::HiRes::time() > $saved + 60;
            Time::HiRes::sleep(0.001);
        }
        push @times, 1000 * (Time::HiRes::time() - $saved);
    }
    # What is built in the background after a save may still be at work, and so may timers that only tell that something
    # has come in time: one quiet stretch is what counts.
    Time::HiRes::sleep(5);
    my $figures;
    for my $try (1 .. 3) {
        my @now = at_rest($server);
        $figures = \@now if !$figures || $now[0] + $now[1] < $figures->[0] + $figures->[1];
        last if $figures->[0] + $figures->[1] == 0;
    }
    my ($own) = grep { Bench::Processes::role($_) eq 'nacre' } $server->processes;
    my @row = (
        Bench::Report::thousands($count), Bench::Processes::watches($own->{pid}), (map { sprintf '%.1f', $_ } $start, $alone),
        (map { Bench::Report::ms(Bench::Report::percentile($_, @times)) } 50, 95),
        @$figures[0, 1], sprintf('%.2f', $figures->[2]), sprintf('%.1f', Bench::Processes::pss($own) / 1024),
    );
    $server->stop;
    return \@row;
}

# The wake-ups of nacre and of its Perl processes in some seconds, and the processor time of all of them.
sub at_rest {
    my ($server) = @_;
    my @processes = $server->processes;
    my @own       = grep { Bench::Processes::role($_) eq 'nacre' } @processes;
    my @perl      = grep { Bench::Processes::role($_) ne 'nacre' } @processes;
    my $look = sub { (Bench::Processes::wakeups(@own), Bench::Processes::wakeups(@perl), Bench::Processes::seconds(@processes)) };
    my @before = $look->();
    Time::HiRes::sleep($rest);
    my @after = $look->();
    return map { $after[$_] - $before[$_] } 0 .. 2;
}

1;
