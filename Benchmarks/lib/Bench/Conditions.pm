package Bench::Conditions;
use v5.16;
use strict;
use warnings;

use POSIX ();

# What the figures were measured on, as a Markdown list.
sub text {
    my ($option, $kit) = @_;
    my ($cpu)   = slurp('/proc/cpuinfo') =~ /^model name\s*:\s*(.+)$/m;
    my $cores   = () = slurp('/proc/cpuinfo') =~ /^processor\s*:/mg;
    my ($load)  = slurp('/proc/loadavg') =~ /^(\S+)/;
    my ($linux) = (POSIX::uname())[2];
    my @peers   = map { packaged(@$_) } ['starman', 'Starman'], ['uwsgi-core', 'uWSGI'], ['libplack-perl', 'Plack'], ['wrk', 'wrk'];
    return join "\n", "- Measured on " . POSIX::strftime('%d %B %Y', gmtime) . " by `Benchmarks/run`.",
        sprintf('- %d cores (%s), Linux %s, load average before the run: %s.', $cores, $cpu // 'unknown', $linux, $load // '?'),
        sprintf('- perl %vd; %s.', $^V, join ', ', @peers),
        '- `plackup -r` ' . (eval { require Linux::Inotify2 } ? 'watches by Linux::Inotify2.' : 'scans every 2 s, for Linux::Inotify2 is not installed.'),
        '- Client and server share the machine, over the loopback interface. 2 workers each, no access log, `PLACK_ENV=deployment` for the peers.',
        '';
}

sub packaged {
    my ($package, $name) = @_;
    my $version = qx(dpkg-query -W -f '\${Version}' $package 2>/dev/null);
    return $version ? "$name $version" : ();
}

sub slurp {
    my ($file) = @_;
    open my $handle, '<', $file or return '';
    local $/ = undef;
    return <$handle>;
}

1;
