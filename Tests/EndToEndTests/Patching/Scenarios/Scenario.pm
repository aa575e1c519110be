package Scenario;

# What the scenarios are written with: each saves files in a directory of its own, loads them, saves them again and looks at
# what runs. RELOADER says what reloads; Nacre by default.
use v5.16;
use strict;
use warnings;
use Cwd ();
use File::Path ();
use File::Temp ();

my ( $directory, $clock, $wrong, @warnings ) = ( File::Temp::tempdir( CLEANUP => 1 ), time - 1000, 0 );
my $reloader = $ENV{RELOADER} // 'Nacre';
my %reload;
$directory = Cwd::realpath($directory);

sub import {
    my $to = caller;
    strict->import;
    warnings->import;
    warnings->unimport('once');
    no strict 'refs';
    *{"${to}::$_"} = \&$_ for qw(save save_as directory is reload fails refused waits warnings_are);
    chdir $directory;
    unshift @INC, $directory unless $INC[0] eq $directory;
}

sub directory {$directory}

# Each save has a time of its own, all before the program's start.
sub save {
    my ( $file, $text ) = @_;

    # The others compare with the start of the program, or with what they saw before.
    if ( $reloader ne 'Nacre' && -e "$directory/$file" && $clock < $^T ) {
        _check();
        $clock = $^T + 10;
    }
    save_as( $file, $text, $clock += 2 );
}

sub save_as {
    my ( $file, $text, $time ) = @_;
    $file = "$directory/$file" if $file !~ m{^/};
    File::Path::make_path( $file =~ s{/[^/]*\z}{}r );
    open my $to, '>', $file or die "$file: $!";
    print $to $text;
    close $to;
    utime $time, $time, $file;
}

sub is {
    my ( $got, $expected, $what ) = @_;
    return if ( $got // 'undef' ) eq ( $expected // 'undef' );
    my ( undef, undef, $line ) = caller;
    printf "line %d: %s instead of %s%s\n", $line, $got // 'undef', $expected // 'undef', $what ? " ($what)" : '';
    $wrong++;
}

sub _check {
    local $SIG{__WARN__} = sub { push @warnings, "@_" };
    return $reload{$reloader}->() if $reloader eq 'Nacre';
    eval { $reload{$reloader}->(); 1 } or push @warnings, $@;
    return;
}

# Reloads; everything goes well.
sub reload {
    my $report = _check();
    my ( undef, undef, $line ) = caller;
    return $report if ref $report && $report->{ok};
    return if $reloader ne 'Nacre';
    $wrong++;
    print "line $line: nothing was reloaded\n" if !$report;
    print "line $line: failed: $report->{failed}{message}" if $report && $report->{failed};
    print map {"line $line: refused: $_: $report->{refused}{$_}\n"} sort keys %{ $report ? $report->{refused} : {} };
    print "line $line: waits: @{ $report->{waiting} }\n" if $report && @{ $report->{waiting} };
}

sub fails {
    my ($pattern) = @_;
    my $report = _check();
    return if $reloader ne 'Nacre';
    my ( undef, undef, $line ) = caller;
    my $told = $report && $report->{failed} ? $report->{failed}{message} : 'no failure';
    return if $told =~ $pattern;
    print "line $line: $told\n";
    $wrong++;
}

sub refused {
    my ($pattern) = @_;
    my $report = _check();
    return if $reloader ne 'Nacre';
    my ( undef, undef, $line ) = caller;
    my $told = join '; ', $report ? values %{ $report->{refused} } : 'nothing happened';
    return if $told =~ $pattern;
    print "line $line: $told\n";
    $wrong++;
}

sub waits {
    my $report = _check();
    return $report if $reloader ne 'Nacre' || $report && @{ $report->{waiting} };
    my ( undef, undef, $line ) = caller;
    print "line $line: it does not wait\n";
    $wrong++;
}

# The warnings so far are these.
sub warnings_are {
    my (@patterns) = @_;
    my ( undef, undef, $line ) = caller;
    my @left = grep { !/^Nacre: / } @warnings;
    for my $pattern (@patterns) {
        next if grep { $_ =~ $pattern } @left;
        print "line $line: no warning like $pattern\n";
        $wrong++;
    }
    for my $warning (@left) {
        next if grep { $warning =~ $_ } @patterns;
        print "line $line: warning: $warning";
        $wrong++;
    }
    @warnings = ();
}

%reload = (
    Nacre             => sub { Nacre->check },
    'Apache2::Reload' => sub { Apache2::Reload::handler( bless {}, 'Apache' ) },
    'Module::Refresh' => sub { Module::Refresh->refresh },
    'Class::Refresh'  => sub { Class::Refresh->refresh },
    'Reload.pm'       => \&seed,
);

# Apache2::Reload and mod_perl's own code to unload with, outside of Apache: what they have of Apache is not needed here.
if ( $reloader eq 'Apache2::Reload' ) {
    $INC{"Apache2/$_.pm"} = __FILE__ for qw(Const Connection ServerUtil RequestUtil XSLoader);
    no warnings 'once';
    *Apache2::Const::OK      = sub () {0};
    *Apache2::XSLoader::load = sub { };
    *Apache::dir_config      = sub { $_[1] eq 'ReloadAll' ? 'on' : undef };
    require Apache2::Reload;
}
elsif ( $reloader eq 'Module::Refresh' ) { require Module::Refresh; Module::Refresh->new }
elsif ( $reloader eq 'Class::Refresh' )  { require Class::Refresh;  Class::Refresh->import }
elsif ( $reloader eq 'Nacre' )           { require Nacre;           Nacre->import }

# Reload.pm of 2002, written anew from its description: every loaded module of the scenario is registered.
my %seen;

sub seed {
    for my $key ( sort keys %INC ) {
        my $file = $INC{$key} // next;
        next if ref $file || $file !~ /^\Q$directory\E|^sub/;
        my $time = ( stat $file )[9];
        my $known = $seen{$key} //= $^T;
        next if !$time || $time <= $known;
        $seen{$key} = $time;
        delete $INC{$key};
        my $package = $key =~ s/\.pm\z//r =~ s{/}{::}gr;
        no strict 'refs';
        no warnings;
        undef %{"${package}::$_"} for keys %{"${package}::"};
        undef %{"${package}::"};
        require $key;
    }
}

END {
    chdir '/';
    print "$wrong wrong\n" if $wrong;
    $? ||= $wrong ? 1 : 0;
}

1;
