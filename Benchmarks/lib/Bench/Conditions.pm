package Bench::Conditions;
use v5.16;
use strict;
use warnings;

use POSIX ();

my @packages = (
    ['starman', 'Starman'], ['uwsgi-core', 'uWSGI'], ['libplack-perl', 'Plack'], ['libmojolicious-perl', 'Mojolicious'],
    ['apache2', 'Apache'], ['libapache2-mod-perl2', 'mod_perl'], ['libapache2-reload-perl', 'Apache2::Reload'],
    ['libmoose-perl', 'Moose'], ['libdancer2-perl', 'Dancer2'], ['wrk', 'wrk'],
);

# What the figures were measured on, as a Markdown list.
sub text {
    my ($linux) = (POSIX::uname())[2];
    my @peers   = map { packaged(@$_) } @packages;
    return join "\n",
        '- ' . processor() . ", Linux $linux.",
        sprintf('- perl %vd; %s.', $^V, join ', ', @peers),
        '- `plackup -r` ' . (eval { require Linux::Inotify2 } ? 'watches by Linux::Inotify2.' : 'scans every 2 s, for Linux::Inotify2 is not installed.'),
        '- Client and server share the machine, over the loopback interface. 2 workers each where nothing else is said, no access',
        '  log, `PLACK_ENV=deployment` for the peers.',
        '';
}

# When a part was measured.
sub moment {
    my ($load) = slurp('/proc/loadavg') =~ /^(\S+)/;
    return POSIX::strftime('Measured on %d %B %Y, %H:%M', gmtime) . ', ' . processor() . ', load average before: ' . ($load // '?') . '.';
}

sub processor {
    my ($name) = slurp('/proc/cpuinfo') =~ /^model name\s*:\s*(.+)$/m;
    my $cores  = () = slurp('/proc/cpuinfo') =~ /^processor\s*:/mg;
    return "$cores cores (" . ($name // 'unknown') . ')';
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
