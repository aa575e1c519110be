package Bench::Patching::Handlers;
use v5.16;
use strict;
use warnings;

# Loaded by Apache: what stands before and after a reloader in PerlInitHandler, and what answers.

use Apache2::Const -compile => 'OK';
use Apache2::RequestIO  ();
use Apache2::RequestRec ();
use APR::Table          ();
use Time::HiRes         ();

# When the handlers of this request began; how long they took, in nanoseconds, since somebody asked.
my $began;
my @took;

sub begin {
    $began = Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC());
    return Apache2::Const::OK;
}

sub end {
    push @took, 1e9 * (Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) - $began);
    return Apache2::Const::OK;
}

# /M7: what M7 gives. /took: how long the handlers took.
sub answer {
    my ($r) = @_;
    my $body = $r->uri =~ m{^/(M\d+)$} ? $1->f1(x => 1) : join ' ', map { sprintf '%.0f', $_ } splice @took;
    $r->headers_out->set('Content-Length' => length $body);
    $r->print($body);
    return Apache2::Const::OK;
}

1;
