package Bench::Kit;
use v5.16;
use strict;
use warnings;

use Bench::Apache  ();
use Cwd            ();
use File::Basename ();

my $bridge = Cwd::realpath(File::Basename::dirname(__FILE__) . '/../../mojo-bridge.pl');

# The ways to serve an application that are compared, those whose programs are there: key => { name, command(port,
# workers, directory), after_save(server), environment(port, workers), status (the nacre that
# tells how it is) }. A command is run in the application's directory.
sub make {
    my ($nacre) = @_;
    my %kit = (
        nacre      => { name => 'nacre, development', command => nacre($nacre, 'development'), of => sub { nacre($nacre, $_[0]) } },
        ordered    => { name => 'nacre, development, `--preload`', command => nacre($nacre, 'development', '--preload'), status => $nacre },
        production => { name => 'nacre, production',  command => nacre($nacre, 'production') },
        starman    => { name => 'Starman', program => 'starman', command => starman() },
        preloaded  => { name => 'Starman --preload-app', program => 'starman', command => starman('--preload-app') },
        hup        => {
            name       => 'Starman, HUP',
            program    => 'starman',
            command    => starman(),
            after_save => sub { kill HUP => $_[0]{pid} },
        },
        plackup => {
            name    => '`plackup -r`',
            program => 'plackup',
            command => sub { (qw(plackup -r -E deployment -I lib --host 127.0.0.1 --port), $_[0], 'app.psgi') },
        },
        morbo => {
            name    => 'morbo',
            program => 'morbo',
            command => sub { ('morbo', '-l', "http://127.0.0.1:$_[0]", qw(-w lib -w app.psgi), $bridge) },
            environment => \&for_mojo,
        },
        hypnotoad => {
            name    => 'hypnotoad, hot deploy',
            program => 'hypnotoad',
            command => sub { ('hypnotoad', '-f', $bridge) },
            environment => \&for_mojo,
            after_save  => sub { kill USR2 => pid_in("$_[0]{beside}/hypnotoad.pid") },
        },
        uwsgi => {
            name    => 'uWSGI',
            program => 'uwsgi',
            command => sub {
                (
                    qw(uwsgi --plugin psgi --psgi app.psgi --master --disable-logging --die-on-term --processes),
                    $_[1], '--http11-socket', "127.0.0.1:$_[0]"
                );
            },
            environment => sub { (PERL5LIB => 'lib', BENCH_SAYS_CLOSE => 1) },
        },
        mojo => {
            name        => 'hypnotoad',
            program     => 'hypnotoad',
            command     => sub { ('hypnotoad', '-f', $bridge) },
            environment => \&for_mojo,
        },
        plain => {
            name    => '`plackup`',
            program => 'plackup',
            command => sub { (qw(plackup -E deployment -I lib --host 127.0.0.1 --port), $_[0], 'app.psgi') },
        },
        modperl => { name => 'Apache, mod_perl', program => 'apache2', command => \&Bench::Apache::plack },
        apache => { name => 'Apache2::Reload', program => 'apache2', command => \&Bench::Apache::command },
    );
    my @path = (split(/:/, $ENV{PATH}), '/usr/sbin');
    my %missing;
    for my $key (keys %kit) {
        my $program = $kit{$key}{program} or next;
        next if grep { -x "$_/$program" } @path;
        $missing{$program} = 1;
        delete $kit{$key};
    }
    say STDERR "$_ is not installed: left out." for sort keys %missing;
    return \%kit;
}

sub nacre {
    my ($nacre, $environment, @more) = @_;
    return sub { ($nacre, '-E', $environment, @more, qw(-I lib -o 127.0.0.1 -w), $_[1], '-p', $_[0], 'app.psgi') };
}

sub starman {
    my @more = @_;
    return sub { (qw(starman -E deployment -I lib --host 127.0.0.1 --workers), $_[1], @more, '--port', $_[0], 'app.psgi') };
}

sub for_mojo { (BENCH_SAYS_CLOSE => 1, BENCH_PORT => $_[0], BENCH_WORKERS => $_[1], PERL5LIB => 'lib', MOJO_MODE => 'production') }

sub pid_in {
    my ($file) = @_;
    open my $handle, '<', $file or return ();
    return <$handle> =~ /(\d+)/;
}

1;
