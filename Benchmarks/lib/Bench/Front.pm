package Bench::Front;
use v5.16;
use strict;
use warnings;

use Bench::Application          ();
use Bench::Application::Modules ();
use Bench::Processes            ();
use Bench::Server               ();
use Cwd                         ();
use File::Basename              ();
use Time::HiRes                 ();

my $here  = File::Basename::dirname(__FILE__);
my @kinds = qw(production starman uwsgi modperl mojo plain);

# What is asked for: name => { application, path, upload (the client sends 100 KB) }.
my @asked = (
    { name => 'hello',          application => 'front',   path => '/' },
    { name => '500 modules',    application => 'modules', path => '/M0250' },
    { name => '10 KB',          application => 'front',   path => '/10k' },
    { name => '1 MB',           application => 'front',   path => '/1m' },
    { name => '100 KB upload',  application => 'front',   path => '/upload', upload => 1 },
);
my @connections = (1, 16, 256);

# Rounds over all servers: { servers => [names], cells => [{ asked, kept, connections, of => { kind => { rate => [...],
# p50, p99, errors } } }], spread => { kind => [best over worst connection] }, pss => { kind => [MiB] }, limits }.
sub measure {
    my ($kit, $scratch, $option) = @_;
    my %application = (
        front   => front("$scratch/front/site"),
        modules => Bench::Application::Modules::make("$scratch/modules/site", 500),
    );
    my @present = grep { $kit->{$_} } @kinds;
    my $result  = {
        servers => [map { { kind => $_, name => $kit->{$_}{name} } } @present],
        cells   => [cells()], spread => {}, pss => {}, problems => {}, rounds => $option->{rounds},
    };
    for my $round (1 .. $option->{rounds}) {
        for my $kind (@present) {
            for my $name (qw(front modules)) {
                eval { serve($kit->{$kind}, $kind, $name, $application{$name}{directory}, $result, $option); 1 }
                    or $result->{problems}{$kind} = $@;
                Bench::Server::end_all();
            }
            printf STDERR "round %d  %s\n", $round, $kit->{$kind}{name};
        }
        @present = $round % 2 ? reverse @present : (@present[1 .. $#present], $present[0]);
    }
    $result->{limits} = limits($kit, $application{front}{directory}, $scratch, $option);
    return $result;
}

sub cells {
    my @cells;
    for my $asked (@asked) {
        for my $kept (1, 0) {
            push @cells, map { { asked => $asked, kept => $kept, connections => $_, of => {} } } @connections;
        }
    }
    return @cells;
}

# All cells of one application on one server.
sub serve {
    my ($server_kind, $kind, $name, $directory, $result, $option) = @_;
    my ($first) = grep { $_->{application} eq $name } @asked;
    my $server = Bench::Server->start($server_kind, $directory, path => $first->{path});
    # Also until the server has put away what it needed for its start.
    wrk($server->port, $first, 1, 16, 2);
    for my $cell (grep { $_->{asked}{application} eq $name } @{ $result->{cells} }) {
        my $figures = wrk($server->port, $cell->{asked}, $cell->{kept}, $cell->{connections}, $option->{seconds});
        push @{ $cell->{of}{$kind}{$_} }, $figures->{$_} for keys %$figures;
    }
    return if $name ne 'front';
    my @processes = $server->processes;
    push @{ $result->{pss}{$kind} }, Bench::Processes::pss(@processes) / 1024;
    push @{ $result->{spread}{$kind} }, spread($server->port, $option->{seconds});
}

# One run of wrk: { rate, p50, p99, errors }.
sub wrk {
    my ($port, $asked, $kept, $connections, $seconds) = @_;
    my @close = $kept ? () : ('-H', 'Connection: close');
    return figures(
        '--latency', '-t1', "-c$connections", "-d$seconds", @close, '-s', "$here/wrk.lua",
        "http://127.0.0.1:$port$asked->{path}", '--', $asked->{upload} ? 'upload' : 'get');
}

# How many times as many answers the best-served of 16 kept connections has had as the worst-served one.
sub spread {
    my ($port, $seconds) = @_;
    my $figures = figures('-t16', '-c16', "-d$seconds", '-s', "$here/wrk-spread.lua", "http://127.0.0.1:$port/");
    return $figures->{least} ? $figures->{most} / $figures->{least} : 'inf';
}

sub figures {
    open my $output, '-|', 'wrk', @_ or die "wrk does not run: $!\n";
    my ($line) = grep { /^figures / } <$output>;
    close $output;
    my %figures = ($line // '') =~ /(\w+)=([\d.]+)/g or die "wrk gave no figures\n";
    return \%figures;
}

# What there is to be had: { loop => calls of the application a second in two processes, perlless => answers of a nacre
# whose code does not load, which come from the switchboard alone, on new connections }.
sub limits {
    my ($kit, $directory, $scratch, $option) = @_;
    my %limits = (loop => calls($directory, $option->{seconds}));
    my $broken = "$scratch/broken/site";
    Bench::Application::write_file("$broken/app.psgi", "sub { [200\n");
    File::Path::make_path("$broken/lib");
    my $server = Bench::Server->start($kit->{nacre}, $broken, status => 500);
    wrk($server->port, { path => '/' }, 0, 16, 1);
    $limits{perlless} = wrk($server->port, { path => '/' }, 0, 16, $option->{seconds})->{rate};
    Bench::Server::end_all();
    return \%limits;
}

sub calls {
    my ($directory, $seconds) = @_;
    my $program = <<'PERL';
use Time::HiRes 'time';
my ($directory, $seconds) = @ARGV;
my $app = do "$directory/app.psgi" or die;
my ($count, $end) = (0, time + $seconds);
while (time < $end) { for (1 .. 1000) { $app->({ REQUEST_METHOD => 'GET', PATH_INFO => '/' }) } $count += 1000 }
print $count / $seconds, "\n";
PERL
    my @loops = map { open my $loop, '-|', $^X, '-e', $program, $directory, $seconds or die "perl: $!\n"; $loop } 1, 2;
    my $sum = 0;
    $sum += readline $_ for @loops;
    return $sum;
}

# The application of the bodies.
sub front {
    my ($directory) = @_;
    Bench::Application::write_file("$directory/app.psgi", <<'PERL');
my %body = ('/' => "Hello, world!\n", '/10k' => 'x' x 10_240, '/1m' => 'x' x 1_048_576);
sub {
    my ($env) = @_;
    my $body = $body{$env->{PATH_INFO}} // '';
    if ($env->{REQUEST_METHOD} eq 'POST') {
        my $length = 0;
        while (my $count = $env->{'psgi.input'}->read(my $piece, 65_536)) { $length += $count }
        $body = "$length\n";
    }
    # uWSGI and hypnotoad do not say themselves that a connection ends; uWSGI would even keep it.
    my @ends = $ENV{BENCH_SAYS_CLOSE} && ($env->{HTTP_CONNECTION} // '') eq 'close' ? (Connection => 'close') : ();
    return [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $body, @ends], [$body]];
};
PERL
    File::Path::make_path("$directory/lib");
    return { directory => $directory };
}

1;
