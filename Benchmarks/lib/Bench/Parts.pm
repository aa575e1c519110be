package Bench::Parts;
use v5.16;
use strict;
use warnings;

use Bench::Application        ();
use Bench::Flat               ();
use Bench::Front              ();
use Bench::Memory             ();
use Bench::Patching           ();
use Bench::Reload             ();
use Bench::Report::Front      ();
use Bench::Report::Reload     ();
use Bench::Report::Throughput ();
use Bench::Slow               ();
use Bench::Syscalls           ();
use Bench::Throughput         ();
use Bench::Trees              ();
use File::Path                ();

# What can be measured: name => sub(kit, scratch, option) that returns the text of its section.
my %parts = (
    throughput => sub {
        my ($kit, $scratch, $option) = @_;
        my $application = Bench::Application::hello("$scratch/site");
        return Bench::Report::Throughput::text(Bench::Throughput::measure($kit, $application, $option));
    },
    front    => sub { Bench::Report::Front::text(Bench::Front::measure(@_)) },
    reload   => sub { Bench::Report::Reload::text(Bench::Reload::measure(@_)) },
    syscalls => \&Bench::Syscalls::measure,
    slow     => \&Bench::Slow::measure,
    memory   => \&Bench::Memory::measure,
    flat     => \&Bench::Flat::measure,
    trees    => \&Bench::Trees::measure,
    patching => \&Bench::Patching::measure,
);

# In the order in which they run.
sub names { qw(throughput front reload syscalls slow memory flat trees patching) }

sub run {
    my ($part, $kit, $scratch, $option) = @_;
    File::Path::make_path($scratch);
    return $parts{$part}->($kit, $scratch, $option);
}

1;
