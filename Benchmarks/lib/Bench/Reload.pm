package Bench::Reload;
use v5.16;
use strict;
use warnings;

use Bench::Application             ();
use Bench::Application::Frameworks ();
use Bench::Application::Modules    ();
use Bench::Client                  ();
use Bench::Limits                  ();
use Bench::Processes               ();
use Bench::Report                  ();
use Bench::Server                  ();
use Time::HiRes                    ();

my @kinds = qw(nacre ordered production hup plackup morbo hypnotoad apache);
# The most seconds that are waited for an answer of the new code, how often in a row in vain, for the machine to rest,
# and for a better order.
my ($patience, $vain, $rest, $order) = (12, 2, 2, 60);

# Save to first new answer. All servers of a case run at the same time, each with a copy of the application of its own,
# and are edited in turn. A list of { title, rows => [{ name, times => [ms, ...], missed, asked, lost, old }], limit }.
sub measure {
    my ($kit, $scratch, $option) = @_;
    my @results;
    for my $case (cases($option)) {
        next if $option->{case} && $case->{title} !~ /$option->{case}/i;
        say STDERR $case->{title};
        push @results, measure_case($kit, "$scratch/" . @results, $case, $option);
        Bench::Server::end_all();
    }
    return @results;
}

# An application, and the edits that are made in it: { title, make(directory), series => [{ title, target(number of the
# edit), often (how many edits nacre gets in one round), rounds (if not as many as was asked for), seconds (after which no
# further round begins), ordered (whether nacre with `--preload` takes part) }] }.
sub cases {
    my ($option) = @_;
    my @cases = ({
        title  => 'Hello, one module',
        make   => \&Bench::Application::versioned,
        series => [{ title => 'its module', target => sub { 0 }, often => 3, seconds => 25 }],
    });
    for my $count (500, 2000) {
        # Leaves and others alike, never one twice, the same ones in every run.
        my @random = map { 1 + $_ * 7919 % $count } 1 .. 1000;
        my $leaf   = int($count * 3 / 4);
        push @cases, {
            title  => "$count modules",
            make   => sub { Bench::Application::Modules::make($_[0], $count) },
            series => [
                { title => 'a random module, for the first time', target => sub { $random[$_[0]] }, often => 2, seconds => $count / 50 + 20 },
                { title => 'the first that is loaded', target => sub { 1 }, often => 1, seconds => $count / 50 + 20 },
                { title => 'the last that is loaded', target => sub { $count }, often => 2, seconds => $count / 50 + 20 },
                { title => "a leaf (no. $leaf), first and second edit", target => sub { $leaf }, often => 2, rounds => 1, seconds => 0, ordered => 1 },
                { title => "the same leaf, later edits", target => sub { $leaf }, often => 4, seconds => $count / 50 + 20, ordered => 1 },
            ],
        };
    }
    push @cases, {
        title  => 'Moose, 30 classes',
        make   => \&Bench::Application::Frameworks::moose,
        series => [{ title => 'the class that is loaded last', target => sub { 0 }, often => 3, seconds => 25 }],
    }, {
        title  => 'Dancer2, 10 modules of routes',
        make   => \&Bench::Application::Frameworks::dancer2,
        series => [{ title => 'a module of routes', target => sub { 0 }, often => 3, seconds => 25 }],
    };
    return @cases;
}

sub measure_case {
    my ($kit, $scratch, $case, $option) = @_;
    my (@seats, @failed);
    for my $kind (grep { $kit->{$_} } @kinds) {
        next if $kind eq 'ordered' && !grep { $_->{ordered} } @{ $case->{series} };
        my $application = $case->{make}->("$scratch/$kind/site");
        my $path   = $application->{edit}->($case->{series}[0]{target}->(0), 0)->{path};
        my $server = eval { Bench::Server->start($kit->{$kind}, $application->{directory}, path => $path) };
        if ($server) { push @seats, { kind => $kind, server => $server, application => $application, saved => 0 } }
        else         { push @failed, { name => $kit->{$kind}{name}, problem => Bench::Report::problem($@) } }
    }
    my (@results, $version, $edits);
    for my $series (@{ $case->{series} }) {
        $_->{row} = { name => $_->{server}->name, times => [], missed => 0, asked => 0, lost => 0, old => 0 } for @seats;
        my $end = Time::HiRes::time() + $series->{seconds};
        for my $round (1 .. ($series->{rounds} // $option->{saves})) {
            last if $round > 2 && Time::HiRes::time() > $end;
            for my $seat (@seats) {
                next if $seat->{kind} eq 'ordered' && !$series->{ordered};
                my $is_nacre = is_nacre($seat);
                for (1 .. ($is_nacre ? $series->{often} : $series->{rounds} ? 2 : 1)) {
                    my $edit = $seat->{application}{edit}->($series->{target}->(++$edits), ++$version);
                    $seat->{server}->await_order($order);
                    one_save($seat, $edit, $version, "$scratch/notes");
                }
            }
            # Nobody is always behind the same neighbour.
            @seats = $round % 2 ? reverse @seats : (@seats[1 .. $#seats], $seats[0]);
        }
        my %order = map { $kit->{ $kinds[$_] } ? ($kit->{ $kinds[$_] }{name} => $_) : () } 0 .. $#kinds;
        my @rows  = sort { $order{ $a->{name} } <=> $order{ $b->{name} } } grep { $_->{asked} } map { $_->{row} } @seats;
        push @results, { title => "$case->{title}: $series->{title}", rows => [@rows, @failed], series => $series };
        printf STDERR "  %-45s %s\n", $series->{title}, join ', ', map { sprintf '%s %.0f', $_->{name}, $_->{times}[0] // 'inf' } @rows;
    }
    $_->{server}->stop for @seats;
    add_limits($seats[0]{application}, @results) if @seats;
    return @results;
}

# Adds to each result what perl alone needs for up to three of the files that were edited.
sub add_limits {
    my ($application, @results) = @_;
    my (%number, @files);
    for my $result (@results) {
        $result->{files} = [map { $application->{edit}->($result->{series}{target}->($_), 0)->{file} } 1 .. 3];
        for (@{ $result->{files} }) { push @files, $_ if !defined $number{$_}; $number{$_} //= $#files }
    }
    my $limit = eval { Bench::Limits::measure($application->{directory}, @files) };
    print STDERR $@ if $@;
    for my $result (@results) {
        my @numbers = map { $number{$_} } @{ $result->{files} };
        $result->{limit} = $limit && { load => $limit->{load}, map { my $key = $_; $key => [@{ $limit->{$key} }[@numbers]] } qw(fork files) };
    }
}

sub is_nacre { $_[0]{kind} =~ /nacre|ordered|production/ }

# Saves, and waits for the first answer with the new version. Meanwhile another client counts what goes wrong: requests
# without a good answer, and old answers to requests that were sent after a new answer had come.
sub one_save {
    my ($seat, $edit, $version, $notes) = @_;
    my ($server, $row) = @$seat{qw(server row)};
    return if ($seat->{vain} // 0) >= $vain;
    # Apache2::Reload, and others, compare whole seconds: they never see two saves of one second.
    my $pause = $seat->{saved} + (is_nacre($seat) ? 0.3 : 1.1) - Time::HiRes::time();
    Time::HiRes::sleep($pause) if $pause > 0;
    Bench::Processes::await_rest($rest);
    my $client = Bench::Client->watch($server->port, $edit->{path}, $notes);
    Time::HiRes::sleep(0.02);
    Bench::Application::save($edit);
    my $start = $seat->{saved} = Time::HiRes::time();
    $server->after_save;
    my $seen;
    while (!$seen && Time::HiRes::time() < $start + $patience) {
        my $body = Bench::Client::body($server->port, 5, $edit->{path}) // '';
        $seen = Time::HiRes::time() if $body eq "version $version\n";
        Time::HiRes::sleep(0.001);
    }
    # Workers that are replaced one after the other disagree for a while.
    Time::HiRes::sleep(0.2);
    my @answers = $client->stop;
    $row->{asked} += @answers;
    $row->{lost}  += grep { $_->{body} !~ /^version \d+\z/ } @answers;
    if ($seen) {
        push @{ $row->{times} }, 1000 * ($seen - $start);
        $row->{old} += grep { $_->{body} =~ /^version (\d+)\z/ && $1 < $version && $_->{sent} > $seen } @answers;
        $seat->{vain} = 0;
    } else {
        $row->{missed}++;
        $seat->{vain}++;
    }
}

1;
