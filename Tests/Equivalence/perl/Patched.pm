package Patched;

# Plays a made-up application's edits without a server. Given: roots=, the modules that the main program uses (separated by
# commas), site=, where the application is, and to=, a directory. What the process is after the step N comes to be in
# `out.N` when `go.N` is there, until that says "end". The program itself loads once, patches itself in each step, and
# describes itself, unless nothing was done and nobody says "look". With fresh=1, each step is a process that starts anew: a child in which nothing of the application was
# ever loaded.
use strict;
use warnings;

# So that it is loaded once and not for each description.
use B::Deparse ();
use Nacre::Census;

my %given = map { split /=/, $_, 2 } @ARGV;
@ARGV = ();
my $player = getppid;
my $load   = eval 'package main; sub { require $_[0] }';

sub main::play {
    if ( !$given{fresh} ) {
        my $told = loaded( $given{roots} );

        # From here on changes are seen: as soon as somebody knows that it is there, files change.
        Nacre->check;
        describe( 0, $told );
    }
    for ( my $step = 1; ; $step++ ) {
        until ( -e "$given{to}/go.$step" ) {
            select undef, undef, undef, 0.001;
            return if getppid != $player;
        }
        my $text = do { open my $in, '<', "$given{to}/go.$step"; <$in> };
        return if $text eq 'end';
        if ( $given{fresh} ) { start( $step, $text ) }
        else {
            my $report = do { local $SIG{__WARN__} = sub { }; Nacre->check };
            my $told   = told($report);
            my $loaded = keys %INC;
            Probe::be_lazy() if $told =~ /\A(?:patched|none:\z)/;
            if   ( $text ne 'look' && $told =~ /\Anone/ && $loaded == keys %INC ) { say_briefly( $step, $told ) }
            else                                                                 { describe( $step, $told ) }
        }
    }
}

sub start {
    my ( $step, $roots ) = @_;
    my $child = fork // die "no fork: $!";
    if ( !$child ) {
        write_down( $step, loaded($roots) );
        kill KILL => $$;
    }
    waitpid $child, 0;
    return if -e "$given{to}/out.$step";
    say_briefly( $step, 'failed: exit was called' );
}

# Nothing was done: it is what it was.
sub say_briefly {
    my ( $step, $told ) = @_;
    open my $to, '>', "$given{to}/out.$step.part" or die $!;
    print {$to} "$told\n";
    close $to;
    rename "$given{to}/out.$step.part", "$given{to}/out.$step";
}

sub loaded {
    my ($roots) = @_;
    for my $root ( split /,/, $roots ) {
        eval { $load->( $root =~ s{::}{/}gr . '.pm' ); 1 } or return "failed: $@";
    }
    Probe::be_lazy();
    return 'loaded';
}

sub told {
    my ($report) = @_;
    return join ' ', 'none:', Nacre::Patching::differing() if !$report;
    return "failed: $report->{failed}{message}" if $report->{failed};
    return 'refused: ' . join ' ', map {"$_: $report->{refused}{$_}"} sort keys %{ $report->{refused} } if %{ $report->{refused} };
    return "waiting: @{$report->{waiting}}" if @{ $report->{waiting} };
    return "patched: @{$report->{reloaded}}";
}

# In a child: looking changes nothing here.
sub describe {
    my ( $step, $told ) = @_;
    my $child = fork // die "no fork: $!";
    if ( !$child ) { write_down( $step, $told ); kill KILL => $$ }
    waitpid $child, 0;
}

# What was told, and of the census what is about the application: its kind (`inc`, and for others c, s or both: whether it is code, and
# whether it belongs to what a failed patch puts back), the key of the file that it comes from, and the line.
sub write_down {
    my ( $step, $told ) = @_;
    local $SIG{__WARN__} = sub { };
    my $site = quotemeta $given{site};
    open my $lines, '>', \my $text or die $!;
    Nacre::Census::write(
        $lines,
        deparse  => sub { $_[0] =~ m{\A(?:$site/|early/|lib/|more/|conf/|\./conf/)} },
        packages => sub { $_[0] =~ /\A(?:main\z|A::)/ }
    );
    open my $to, '>', "$given{to}/out.$step.part" or die $!;
    print {$to} $told =~ s/\s+/ /gr, "\n";
    my @found = map { [ split /\t/, s{$site/}{}gr, 3 ] }
        grep { /\bA::|\bA\/|main::plain|plain\d+\.pl|\bconf\// } split /\n/, $text;
    spell_out_constants(@found);
    for (@found) {
        my ( $kind, $name, $value ) = @$_;
        next if $name =~ /Nacre::|\A\$Probe::lazy|\A\$Patched/;
        if ( $kind eq 'inc' ) { print {$to} "inc\t$name\t$value\n"; next }
        my $is = ( is_code(@$_) ? 'c' : '' ) . ( is_state( $kind, $name ) ? 's' : '' );
        print {$to} "$is\t", files(@$_), "\t", plain("$kind\t$name\t$value"), "\n" if $is;
    }
    close $to;
    rename "$given{to}/out.$step.part", "$given{to}/out.$step";
}

# A constant that was imported is a value that two packages share, or a sub with two names, as it comes: it is shown as the value
# under either name, that of a list with what is in it.
sub spell_out_constants {
    my ( %list, %constant );
    for (@_) {
        my ( $kind, $name, $value ) = @$_;
        $list{$1}[$2] = $value if $kind eq 'array' && $name =~ /\A(.*->)\[(\d+)\]\z/;
    }
    for (@_) {
        next if $_->[0] ne 'sub' || $_->[2] !~ /\A\(\) constant /;
        $_->[2] =~ s{constant (?:ARRAY|-> (\S+))\z}{ 'constant (' . join( ', ', @{ $list{ $1 // "$_->[1]->" } // [] } ) . ')' }e;
        $constant{"-> $_->[1]"} = $_->[2];
    }
    for (@_) {
        @$_ = ( 'sub', $_->[1], $constant{ $_->[2] } ) if $_->[0] eq 'alias' && $constant{ $_->[2] };
    }
}

# Subs and what they were imported as, formats, method resolution, parents and exports. Subs in variables are state; modules of
# a hook in @INC have no file.
sub is_code {
    my ( $kind, $name, $value ) = @_;
    return $name =~ /\A&/ && $value !~ m{ of /loader/} if $kind eq 'sub' || $kind eq 'alias';
    return 1 if $kind eq 'format' || $kind eq 'mro';
    return $name =~ /::(?:ISA|EXPORT|EXPORT_OK)(?:\[|->\[)/;
}

# Left out: what all modules write to, handles that the load has opened again, and what other modules remember.
sub is_state {
    my ( $kind, $name ) = @_;
    return $kind ne 'handle' && $name !~ /main::order|main::SIG|A::Compose::composed|A::Registry::|constant::declared|Exporter::Cache/;
}

# The keys of the files that it comes from: of that which has compiled a sub; for other things those of the packages that are
# named.
sub files {
    my ( $kind, $name, $value ) = @_;
    return $1 if $value =~ m{\A.* of (?:lib|more|early)/(\S+) .*\{};
    return join ' ', map { s{::}{/}gr . '.pm' } ( $kind eq 'alias' ? "$name $value" : $name ) =~ /\b(A::(?:Plugin::)?\w+)/g;
}

# A file without package is compiled into that of whoever asks first, and stays there; whoever that is.
# Without what depends on how much has been compiled before: the line in which a block ends, and the warnings that
# libraries have registered.
sub plain {
    my ($line) = @_;
    $line =~ s{&\S+::(?=plain\d)}{&} and $line =~ s{ \{\\n\Kpackage \S+;\\n}{} if $line =~ m{\A(?:sub|alias)\t&\S+::plain\d};
    return $line =~ s{#line \d+ "[^"]*"\\n}{}gr =~ s{ \(deleted\)}{}gr
        =~ s{BEGIN \{\$\{\^WARNING_BITS\} = "[^"]*"\}}{}gr;
}

1;
