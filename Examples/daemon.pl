#!/usr/bin/perl

# A daemon that takes the new code of its modules before each piece of work:
#     perl -I perl/lib -I Examples/daemon Examples/daemon.pl
# Edit Examples/daemon/Greeting.pm while it runs.
use v5.16;
use warnings;

use Nacre::Watch;
use Greeting;

my $watch = Nacre::Watch->new( modules => ['Greeting'] );
$| = 1;
for my $job ( 1 .. ( $ARGV[0] // 1_000_000 ) ) {
    $watch->check;
    say Greeting::text($job);
    sleep 1 if !@ARGV;
}
