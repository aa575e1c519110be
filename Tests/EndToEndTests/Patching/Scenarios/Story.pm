package Story;

# Plays a made-up application's edits: loads it, and for each file `go.N` patches and describes the process in `out.N`. With
# `fresh=1` it loads and describes once.
use strict;
use warnings;

my %given = map { split /=/, $_, 2 } @ARGV;
@ARGV = ();

sub main::play {
    my @roots = split /,/, $given{roots};
    my $load  = eval 'sub { require $_[0] }';
    my $told  = 'loaded';
    for my $root (@roots) {
        eval { $load->( $root =~ s{::}{/}gr . '.pm' ); 1 } or $told = "failed $@" and last;
    }
    describe( 0, $told );
    return if $given{fresh};
    Nacre->check;
    for ( my $n = 1; ; $n++ ) {
        select undef, undef, undef, 0.002 until -e "$given{to}/go.$n";
        my $text = do { open my $in, '<', "$given{to}/go.$n"; <$in> };
        last if $text =~ /end/;
        my $report = do { local $SIG{__WARN__} = sub { }; Nacre->check };
        describe(
            $n,
            !$report             ? 'none'
            : $report->{failed}  ? "failed $report->{failed}{message}"
            : %{ $report->{refused} } ? 'refused ' . join ' ', %{ $report->{refused} }
            : @{ $report->{waiting} } ? "waiting @{$report->{waiting}}"
            :                      "ok @{$report->{reloaded}}"
        );
    }
}

sub describe {
    my ( $n, $told ) = @_;
    my $file  = "$given{to}/out.$n";
    my $child = fork // die;
    if ( !$child ) {
        local $SIG{__WARN__} = sub { };
        open my $to, '>', "$file.part" or die;
        print {$to} $told =~ s/\n/ /gr, "\n";
        require Nacre::Census;
        my $site = $given{site};
        Nacre::Census::write( $to, deparse => sub { $_[0] =~ m{\A(?:\Q$site\E|early|lib|more|conf)/} } );
        close $to;
        rename "$file.part", $file;
        kill KILL => $$;
    }
    waitpid $child, 0;
}

1;
