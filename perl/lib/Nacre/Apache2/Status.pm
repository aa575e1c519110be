package Nacre::Apache2::Status;

use v5.16;
use strict;
use warnings;

use Apache2::Const -compile => 'OK';
use Apache2::RequestIO  ();
use Apache2::RequestRec ();

use Nacre           ();
use Nacre::Apache2  ();
use Nacre::Patching ();

our $VERSION = '0.1';

sub handler {
    my ($r) = @_;
    my $is_plain = ( $r->args // '' ) =~ /\bauto\b/;
    my @rows     = _rows();
    $r->content_type( $is_plain ? 'text/plain; charset=utf-8' : 'text/html; charset=utf-8' );
    $r->print( $is_plain ? join '', map {"$_->[0]: $_->[1]\n"} @rows : _page(@rows) );
    return Apache2::Const::OK;
}

# Names and values in turn.
sub _rows {
    my @rows    = ( [ Process => $$ ] );
    my $problem = Nacre::Apache2::problem();
    return @rows, [ Problem => $problem ] if defined $problem;
    push @rows, [ Generation => Nacre->generation ], [ Watching => Nacre::Patching::means() ];
    push @rows, map { [ Differs => $_ ] } Nacre::Patching::differing();
    push @rows, _last( Nacre->last_reload );
    push @rows, map { [ Child => $_ ] } map { _child( split /\x01/ ) } split /\0/, Nacre::Patching::described_roll();
    return @rows;
}

# What the last reload of this interpreter did.
sub _last {
    my ($report) = @_;
    my @rows;
    return if !$report;
    push @rows, [ Last => scalar localtime $report->{time} ] if $report->{time};
    push @rows, [ Result => $report->{ok} ? 'loaded' : $report->{failed} ? 'failed' : 'refused' ];
    push @rows, map { [ Reloaded => $_ ] } @{ $report->{reloaded} };
    push @rows, map { [ Loaded => $_ ] } @{ $report->{loaded} };
    push @rows, map { [ Problem => $_ =~ s/\n/ /gr ] } Nacre::_complaints($report);
    push @rows, [ Milliseconds => join ' ', map {"$_ $report->{milliseconds}{$_}"} qw(examine load settle) ];
    return @rows;
}

# Each process, and each interpreter of one.
sub _child {
    my ( $process, $generation, $time, $outcome ) = @_;
    return "$process: generation $generation" . ( $time ? ", $outcome " . localtime $time : '' );
}

sub _page {
    my (@rows) = @_;
    my $table = join '', map { '<tr><th>' . _escaped( $_->[0] ) . '</th><td>' . _escaped( $_->[1] ) . "</td></tr>\n" } @rows;
    return "<!DOCTYPE html>\n<title>Nacre</title>\n<style>body{font-family:sans-serif}th{text-align:left;vertical-align:top;"
        . "padding-right:1em}td{white-space:pre-wrap}</style>\n<h1>Nacre in process $$</h1>\n<table>\n$table</table>\n";
}

sub _escaped {
    my ($text) = @_;
    my %entity = ( '&' => '&amp;', '<' => '&lt;', '>' => '&gt;' );
    return $text =~ s/([&<>])/$entity{$1}/gr;
}

1;

__END__

=head1 NAME

Nacre::Apache2::Status - what Nacre has done in an Apache child

=head1 SYNOPSIS

  PerlModule Nacre::Apache2
  PerlInitHandler Nacre::Apache2
  <Location /nacre-status>
      SetHandler modperl
      PerlResponseHandler Nacre::Apache2::Status
      Require local
  </Location>

=head1 DESCRIPTION

A page about the process that answers, as mod_status has one about the server: which generation of the code it runs, how it sees
changes, which files differ from what it runs, and what the last reload did, with the error if it failed. Below that, all children (with the
threaded MPMs all their interpreters) with their generations, and when and how each has reloaded last: C<loaded>, C<failed>, C<refused>, or
C<waiting> for its own code to end. Each takes new code before its own next request, so those that have nothing to do may be behind.

C</nacre-status?auto> is the same as plain text, a name and a value in each line: C<Process>, C<Generation> (1, and one
more for each time that it has taken new code), C<Watching> (C<inotify> or
C<stat>), C<Differs> (a file), C<Last>, C<Result> (C<loaded>, C<failed> or C<refused>), C<Reloaded>, C<Loaded>, C<Problem>,
C<Milliseconds>, C<Child>.

=head1 SEE ALSO

L<Nacre::Apache2>

=cut
