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
    push @rows, [ Patches => Nacre->patches ], [ Watching => Nacre::Patching::means() ];
    push @rows, map { [ Differs => $_ ] } Nacre::Patching::differing();
    my $report = Nacre->last_reload // return @rows;
    push @rows, [ Last => scalar localtime $report->{time} ] if $report->{time};
    push @rows, [ Result => $report->{ok} ? 'loaded' : $report->{failed} ? 'failed' : 'refused' ];
    push @rows, map { [ Reloaded => $_ ] } @{ $report->{reloaded} };
    push @rows, map { [ Loaded => $_ ] } @{ $report->{loaded} };
    push @rows, map { [ Problem => $_ =~ s/\n/ /gr ] } Nacre::_complaints($report);
    push @rows, [ Milliseconds => join ' ', map {"$_ $report->{milliseconds}{$_}"} qw(examine load settle) ];
    return @rows;
}

sub _page {
    my (@rows) = @_;
    my $table = join '', map { '<tr><th>' . _escaped( $_->[0] ) . '</th><td>' . _escaped( $_->[1] ) . "</td></tr>\n" } @rows;
    return "<!DOCTYPE html>\n<title>Nacre</title>\n<style>body{font-family:sans-serif}th{text-align:left;vertical-align:top;"
        . "padding-right:1em}td{white-space:pre-wrap}</style>\n<h1>Nacre in this process</h1>\n<table>\n$table</table>\n";
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

A page about the process that answers, as mod_status has one about the server: how often it has taken new code, how it sees
changes, which files differ from what it runs, and what the last reload did, with the error if it failed. Other children may be
a request behind: each takes new code before its own next request.

C</nacre-status?auto> is the same as plain text, a name and a value in each line: C<Process>, C<Patches>, C<Watching> (C<inotify> or
C<stat>), C<Differs> (a file), C<Last>, C<Result> (C<loaded>, C<failed> or C<refused>), C<Reloaded>, C<Loaded>, C<Problem>,
C<Milliseconds>.

=head1 SEE ALSO

L<Nacre::Apache2>

=cut
