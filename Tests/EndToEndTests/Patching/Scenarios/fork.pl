# Two workers: each sees a save after the fork.
use Scenario;
save 'A.pm' => q{package A; sub f { 'one' } 1;};
require A;
Nacre->check if $INC{'Nacre.pm'};
pipe my $read, my $write;
pipe my $go_read, my $go_write;
my @children = map {
    my $pid = fork // die;
    if ( !$pid ) {
        close $go_write;
        <$go_read>;
        reload;
        syswrite $write, A::f() . "\n";
        require POSIX;
        POSIX::_exit(0);
    }
    $pid;
} 1, 2;
close $_ for $write, $go_read;
save 'A.pm' => q{package A; sub f { 'two' } 1;};
reload;
close $go_write;
waitpid $_, 0 for @children;
is join( '', <$read> ), "two\ntwo\n";
is A::f(), 'two';
