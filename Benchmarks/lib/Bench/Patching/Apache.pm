package Bench::Patching::Apache;
use v5.16;
use strict;
use warnings;

use Bench::Apache              ();
use Bench::Application::Leaves ();
use Bench::Client              ();
use Bench::Report              ();
use Bench::Server              ();
use Cwd                        ();
use File::Basename             ();
use Time::HiRes                ();

my $root      = Cwd::realpath(File::Basename::dirname(__FILE__) . '/../../../..');
my @counts    = (100, 500, 2000);
my @reloaders = ('no reloader', 'Nacre::Apache2', 'Apache2::Reload');

# In a round, each server has so many blocks of so many requests, and so many saves.
my ($blocks, $requests, $saves) = (10, 100, 25);

# What each reloader adds to a request of Apache when nothing has changed, and how soon saved code is served.
sub measure {
    my ($scratch, $option) = @_;
    my %figures;
    for my $count (@counts) {
        my %server = map { $_ => start($_, $count, "$scratch/$count/" . s/\W+/-/gr) } @reloaders;
        for my $round (1 .. $option->{rounds}) {
            rest($server{$_}, $count, $figures{$_}{$count} //= {}) for map { in_turn($_ + $round) } 1 .. $blocks;
            save($server{$_}, $count, $figures{$_}{$count}) for map { grep { $_ ne 'no reloader' } in_turn($_ + $round) } 1 .. $saves;
        }
        $_->{server}->stop for values %server;
        say STDERR "$_, $count modules: ", line($figures{$_}{$count}) for @reloaders;
    }
    return text(\%figures, $option);
}

# Each time another one is the first.
sub in_turn { my ($turn) = @_; return map { $reloaders[($_ + $turn) % @reloaders] } 0 .. $#reloaders }

# An Apache with one child, and a connection to it that is kept.
sub start {
    my ($reloader, $count, $beside) = @_;
    my $directory = "$beside/site";
    Bench::Application::Leaves::make("$directory/lib", $count);
    my $kind = {
        name    => "Apache with $reloader",
        command => sub { Bench::Apache::configured(@_, configuration($reloader, $count, $directory)) },
    };
    my $server = Bench::Server->start($kind, $directory, workers => 1, path => '/M1');
    my $self   = { server => $server, lib => "$directory/lib", client => Bench::Client->keep($server->port), version => 0 };
    $self->{client}->ask('/M1') for 1 .. 100;
    $self->{client}->ask('/took');
    return $self;
}

sub configuration {
    my ($reloader, $count, $directory) = @_;
    my ($load, $handler) = $reloader =~ /::/ ? ("PerlModule $reloader", $reloader) : ('', '');
    return <<"CONF";
PerlSwitches -I$root/perl/lib -I$root/Benchmarks/lib -I$directory/lib
$load
PerlModule Bench::Patching::Handlers
<Perl>
    require "M\$_.pm" for 1 .. $count;
</Perl>
PerlInitHandler Bench::Patching::Handlers::begin $handler Bench::Patching::Handlers::end
SetHandler modperl
PerlResponseHandler Bench::Patching::Handlers::answer
CONF
}

# A block of requests: nanoseconds in the handlers, by the server's clock, and the seconds that the client has waited.
sub rest {
    my ($self, $count, $into) = @_;
    for (1 .. $requests) {
        my $began = Time::HiRes::time();
        $self->{client}->ask("/M$count");
        push @{ $into->{waited} }, Time::HiRes::time() - $began;
    }
    my @took = split ' ', $self->{client}->ask('/took');
    push @{ $into->{took} }, @took[1 .. $requests - 1];
}

# The seconds from the end of a save to the end of the first answer, which has to be the new one.
sub save {
    my ($self, $count, $into) = @_;
    my $leaf    = int $count / 2;
    my $version = ++$self->{version};
    Bench::Application::Leaves::save($self->{lib}, $leaf, $version);
    my $began  = Time::HiRes::time();
    my $answer = $self->{client}->ask("/M$leaf");
    push @{ $into->{served} }, Time::HiRes::time() - $began;
    $answer eq 2 + $version or die $self->{server}->name . " answers $answer after version $version was saved\n";
    $self->{client}->ask('/took');
}

# p50 and p95 of each kind.
sub line {
    my ($figures) = @_;
    return join '; ', map { my $kind = $_; join ' ', $kind, map { sprintf '%.6g', Bench::Report::percentile($_, @{ $figures->{$kind} }) } 50, 95 } sort keys %$figures;
}

sub text {
    my ($figures, $option) = @_;
    my $own  = sub { Bench::Report::percentile(50, @{ $figures->{'no reloader'}{ $_[0] }{took} }) };
    my @rows = (
        rows($figures, 'what the reloader takes',    took   => sub { $_[0] / 1e3 }, $own),
        rows($figures, 'request, nothing changed',   waited => sub { $_[0] * 1e6 }),
        rows($figures, 'save of a module to answer', served => sub { $_[0] * 1e6 }),
    );
    my $blocks_of = $option->{rounds} * $blocks;
    return join "\n", '### A request of Apache, microseconds', '',
        'Apache with mod_perl (prefork, one child) and so many modules; one for each reloader, all at the same time, in turn. Each has',
        "one kept-alive connection, over which " . Bench::Report::thousands($blocks_of * $requests) . " requests come in blocks of $requests while nothing changes: by the server's own clock (`CLOCK_MONOTONIC`),",
        'read in a handler before and one after the reloader in `PerlInitHandler`, less what it reads where there is no reloader; and as the client',
        'sees the whole request. Then ' . $option->{rounds} * $saves . ' saves of a module from the middle: from the end of the save to the end of the first answer, which is always the new one.',
        'p50 / p95; both reloaders with their defaults.', '',
        Bench::Report::table(['<microseconds of', '<with', map { Bench::Report::thousands($_) . ' modules' } @counts], @rows);
}

# Rows of a kind of figure, for those who have it.
sub rows {
    my ($figures, $title, $kind, $scale, $own) = @_;
    my @rows;
    for my $reloader (grep { $figures->{$_}{ $counts[0] }{$kind} } @reloaders) {
        next if $own && $reloader eq 'no reloader';
        my @cells = map {
            my $count  = $_;
            my @values = map { Bench::Report::percentile($_, @{ $figures->{$reloader}{$count}{$kind} }) - ($own ? $own->($count) : 0) } 50, 95;
            join ' / ', map { my $value = $scale->($_); $value < 100 ? sprintf '%.1f', $value : Bench::Report::thousands($value) } @values;
        } @counts;
        push @rows, [$title, $reloader, @cells];
    }
    return @rows;
}

1;
