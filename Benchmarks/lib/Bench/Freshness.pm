package Bench::Freshness;
use v5.16;
use strict;
use warnings;

use Bench::Application ();
use Bench::Client      ();
use Bench::Server      ();
use Time::HiRes        ();

my @kinds = qw(nacre production plackup hup);

# Save to first new answer: a list of { case, name, times => [...], missed } in milliseconds.
sub measure {
    my ($kit, $cases, $option) = @_;
    my $version = 0;
    my @results;
    for my $case (@$cases) {
        my ($title, $application) = @$case;
        for my $kind (grep { $kit->{$_} } @kinds) {
            my $server = Bench::Server->start($kit->{$kind}, $application->{directory});
            my @times;
            for (1 .. $option->{saves}) {
                # plackup -r compares whole seconds: it never sees two saves of equal size within one.
                Time::HiRes::sleep(1.2);
                push @times, one_save($server, $application, ++$version);
            }
            $server->stop;
            my @seen = grep { defined } @times;
            push @results, { case => $title, name => $kit->{$kind}{name}, times => \@seen, missed => @times - @seen };
            printf STDERR "%-28s %-20s %s ms\n", $title, $kit->{$kind}{name}, join ' ', map { sprintf '%.0f', $_ // 'inf' } @times;
        }
    }
    return \@results;
}

# The time from the end of a save to the arrival of the first answer with the new version; undef if none came for 30 s.
sub one_save {
    my ($server, $application, $version) = @_;
    Bench::Application::save($application, $version);
    my $start = Time::HiRes::time();
    $server->after_save;
    while (1) {
        my $body = Bench::Client::body($server->port, 5) // '';
        my $now  = Time::HiRes::time();
        return 1000 * ($now - $start) if $body eq "version $version\n";
        return undef                     if $now > $start + 30;
        Time::HiRes::sleep(0.001);
    }
}

1;
