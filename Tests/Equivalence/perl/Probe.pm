package Probe;

use strict;
use warnings;

# What a generated application is asked: the census of its process, and the answers of everything that it has loaded.

# Subs that load something only when a request calls them: ( 'A::M3' => sub { require A::L3; A::L3->word } ).
our %lazy;

# Whether they have been called in this process.
our $lazied = 0;

sub wrap {
    my ($app) = @_;
    return sub {
        my ($env) = @_;
        return [ 200, [], [ be_lazy() ] ] if $env->{PATH_INFO} eq '/lazy';
        return $app->($env) if $env->{PATH_INFO} ne '/probe';
        my ( $count, $directory ) = split /,/, $env->{QUERY_STRING}, 2;
        my $found = described();
        meet( $count, $directory );
        return [ 200, [ 'Content-Type' => 'text/plain' ], [$found] ];
    };
}

# Waits for the other workers, so that each is asked once.
sub meet {
    my ( $count, $directory ) = @_;
    open my $mark, '>', "$directory/$$" or return;
    close $mark;
    for ( 1 .. 15_000 ) {
        opendir my $marks, $directory or return;
        return if $count <= grep { /\A\d/ } readdir $marks;
        select undef, undef, undef, 0.002;
    }
    return;
}

# In a forked child: looking changes nothing here.
sub described {
    pipe my $from, my $to or die "no pipe: $!";
    my $child = fork // die "no fork: $!";
    if ( !$child ) {
        close $from;
        binmode $to;
        eval {
            local $SIG{__WARN__} = sub { };
            require Nacre::Census;
            my $site = $ENV{SITE};

            # A worker shows its generation there.
            $0 = 'perl';
            open my $lines, '>', \my $text or die $!;
            Nacre::Census::write( $lines, deparse => sub { $_[0] =~ m{\A(?:\Q$site\E|early|lib|more|conf)/} } );

            # A file that is open may have got another name since, whoever opened it: how far it has been read is what counts.
            $text =~ s{^(handle\t[^\t\n]*\t)/[^\n]*?( at \d+)?$}{$1open@{[ $2 // '' ]}}mg;

            # Where a block ends, perl may have noted the line of whoever loads the file: nothing ever asks for it.
            $text =~ s{(?:\\n#line \d+ "[^"\n]*")+(?=\\n\})}{}g;
            print {$to} $text, map { "answer\t$_\n" } answers(), lazies();
            1;
        } or print {$to} "census\tfailed\t$@\n";
        close $to;
        kill KILL => $$;
    }
    close $to;
    binmode $from;
    local $/;
    my $text = <$from>;
    waitpid $child, 0;
    return "worker $$ $lazied\n$text";
}

sub answers {
    return map {
        my $package = $_;
        my @found   = eval { $package->answer };
        push @found, "died: $@" if $@;
        map { defined ? "$package\t" . line($_) : "$package\tundef" } @found;
    } map { s{/}{::}gr =~ s/\.pm\z//r } sort grep { m{\A[AV]/} } keys %INC;
}

sub lazies {
    return map {
        my $name  = $_;
        my $found = eval { $lazy{$name}->() };
        "$name\tlazily\t" . line( defined $found ? $found : $@ ? "died: $@" : 'undef' );
    } sort keys %lazy;
}

# What is loaded lazily may have more to load lazily: a second request would do that.
sub be_lazy {
    $lazied = 1;
    my ( $known, @found ) = (-1);
    while ( $known < keys %lazy ) {
        $known = keys %lazy;
        @found = lazies();
    }
    return join "\n", @found;
}

sub line { return $_[0] =~ s/\n/\\n/gr =~ s/\(eval \d+\)/(eval)/gr =~ s/0x[0-9a-f]+/(address)/gr }

1;
