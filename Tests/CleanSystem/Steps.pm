package Steps;
use v5.16;
use strict;
use warnings;

use Exporter 'import';
use File::Basename ();
use File::Path     ();
use POSIX          ();
use Time::HiRes    ();

our @EXPORT_OK = qw(run start stop page until_true save edit put_back take_new_code);

# What a person does.

sub run {
    my (@command) = @_;
    say "   @command";
    system(@command) == 0 or die "this fails ($?): @command\n";
}

# A program in the background, in a session of its own: what it writes can be looked at.
sub start {
    my ($command, $name) = @_;
    say "   $command" =~ s/\n+\z//r;
    my $log = '/tmp/follow.' . ($name =~ s/\W+/-/gr) . ".$$";
    my $pid = fork // die "fork: $!\n";
    if (!$pid) {
        POSIX::setsid();
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>',  $log or POSIX::_exit(1);
        open STDERR, '>&', \*STDOUT;
        exec 'sh', '-c', $command or POSIX::_exit(127);
    }
    return bless { pid => $pid, log => $log, name => $name }, __PACKAGE__;
}

# The log of a program that is somebody else's child.
sub log_of { my ($class, $file) = @_; return bless { log => $file, name => $file, from => -s $file // 0 }, $class }

sub text {
    my ($self) = @_;
    open my $from, '<', $self->{log} or return '';
    seek $from, $self->{from} // 0, 0;
    local $/;
    return readline($from) // '';
}

# The last whole line that it has written.
sub last_line { my ($self) = @_; return (($self->text =~ /([^\n]*)\n[^\n]*\z/)[0] // '') }

# Ends its whole session, as Ctrl-C would.
sub stop {
    my ($self) = @_;
    kill INT => -$self->{pid};
    my $is_deaf = time + 5;
    my $end = time + 60;
    until (waitpid($self->{pid}, POSIX::WNOHANG()) == $self->{pid}) {
        kill TERM => -$self->{pid} if time > $is_deaf;
        die "$self->{name} does not stop:\n" . $self->text if time > $end;
        Time::HiRes::sleep(0.05);
    }
    return;
}

# The page at an address; empty if there is none.
sub page {
    my ($address) = @_;
    open my $from, '-|', 'curl', '-s', '--max-time', 60, $address or die "curl: $!\n";
    local $/;
    return readline($from) // '';
}

sub until_true {
    my ($what, $seconds, $is) = @_;
    my $end = time + $seconds;
    until ($is->()) {
        die "It is not true that $what.\n" if time > $end;
        Time::HiRes::sleep(0.2);
    }
    say "   $what";
}

# What files were that somebody has saved.
my %before;

sub save {
    my ($file, $text) = @_;
    $before{$file} //= slurp($file) if -e $file;
    File::Path::make_path(File::Basename::dirname($file));
    open my $to, '>', $file or die "$file: $!\n";
    print {$to} $text;
    close $to or die "$file: $!\n";
}

# Changes the text of a file, and gives the old one.
sub edit {
    my ($file, $change) = @_;
    my $before = slurp($file);
    local $_ = $before;
    $change->();
    $_ ne $before or die "$file has nothing to be changed so\n";
    save($file, $_);
    return $before;
}

# Saves everything as it was before.
sub put_back {
    save($_, $before{$_}) for keys %before;
    %before = ();
}

sub slurp {
    my ($file) = @_;
    open my $from, '<', $file or die "$file: $!\n";
    local $/;
    return readline $from;
}

# An edit, a broken save, its repair: `look` gives `version N`, at once; programs that write `lines` may have one under way. Of
# several `workers`, one that nobody has asked since the edit goes on with what was before that.
sub take_new_code {
    my ($file, $text, $look, $server, %option) = @_;
    my $is = sub {
        my ($when, $version) = @_;
        my $seen;
        my $is_so = sub { ($seen = $look->()) =~ /\Aversion $version\z/ };
        return until_true("$when it is version $version", 60, $is_so) if $option{lines};
        $is_so->() or die "$when it is not version $version but: $seen\n" . $server->text;
        say "   $when it is version $version";
    };
    my $has_begun = $option{is_first_missing} ? sub { length $look->() } : sub { $look->() eq 'version 1' };
    until_true('it runs', 60, $has_begun);

    # Each worker of a server may load for itself, and would not begin with a broken file.
    $has_begun->() or die "it does not run on\n" for 1 .. 50;
    save($file, $text->(2));
    $is->('after a save', 2);
    save($file, $text->(3) =~ s/1;\n\z/sub {;\n/r);
    until_true('a broken save is told', 60, sub { $look->(); $server->text =~ /syntax error|Missing right curly/ });
    $is->('after a broken save', $option{workers} ? '[12]' : 2);
    save($file, $text->(4));
    $is->('after its repair', 4);
}

1;
