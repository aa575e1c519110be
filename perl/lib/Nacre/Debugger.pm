package Nacre::Debugger;

use v5.16;
use strict;
use warnings;

# Loaded by Nacre::Host under perl -d, after perl5db.pl and before the first prompt.
#
# Only the processes in the foreground of a terminal may read from it, and those of the server are not: each prompt brings
# its process there, alone, so that Ctrl-C means nobody else, and the line's end puts back who was there before. If several
# processes of a server stop, one of them prompts.
# The code is in the package DB because that is what the debugger does not step through.
{
    package DB;

    use POSIX ();
    use Fcntl ();

    my $plain_readline = \&DB::readline;
    my $remote = sub { ref $DB::OUT && UNIVERSAL::isa( $DB::OUT, 'IO::Socket' ) };

    no warnings 'redefine';
    *DB::readline = sub {
        # Typed ahead, or a session over the network: nobody waits for a terminal.
        return $plain_readline->(@_) if @DB::typeahead || @DB::cmdfhs;
        my $turn  = Nacre::Debugger::turn();
        my $front = $remote->() ? undef : Nacre::Debugger::come_to_front();
        my @line  = $plain_readline->(@_);
        Nacre::Debugger::go_back($front) if $front;
        return $line[0];
    };

    # What `b postpone SUB` asks for at the first prompt holds for every generation: it is kept, and set in each worker.
    # (perl5db.pl sets it when perl compiles the sub, but forgets to enable it; perl 5.36.)
    my $plain_postponed = \&DB::postponed_sub;
    *DB::postponed_sub = sub {
        return if $DB::postponed{ $_[0] } =~ /^break/;
        return $plain_postponed->(@_);
    };

    sub Nacre::Debugger::set_breakpoints {
        for my $sub ( sort keys %DB::postponed ) {
            my ($condition) = $DB::postponed{$sub} =~ /^break [+-]?\d+ if (.*)/s;
            DB::cmd_b_sub( $sub, $condition ) if defined $condition && defined &$sub;
        }
        return;
    }

    # The lock is a file that every server has of its own, opened anew by each process: a lock that came with a fork would
    # be shared.
    my $server = '/proc/' . getppid . '/status';

    sub Nacre::Debugger::turn {
        open my $lock, '<', $server or return;
        return $lock if flock $lock, Fcntl::LOCK_EX() | Fcntl::LOCK_NB();
        print {$DB::OUT} "Process $$ has stopped, too, and waits until the prompt is free.\n";
        1 until flock( $lock, Fcntl::LOCK_EX() ) || $! != POSIX::EINTR();
        return $lock;
    }

    # Returns the terminal, the process group that was in front and the one that this process was in.
    sub Nacre::Debugger::come_to_front {
        open my $terminal, '+<', '/dev/tty' or return;
        my @before = ( POSIX::tcgetpgrp( fileno $terminal ), getpgrp );
        setpgrp 0, 0;
        Nacre::Debugger::put_in_front( $terminal, getpgrp );
        return [ $terminal, @before ];
    }

    sub Nacre::Debugger::go_back {
        my ( $terminal, $front, $group ) = @{ $_[0] };
        Nacre::Debugger::put_in_front( $terminal, $front );
        setpgrp 0, $group;
        return;
    }

    sub Nacre::Debugger::put_in_front {
        my ( $terminal, $group ) = @_;
        local $SIG{TTOU} = 'IGNORE';
        POSIX::tcsetpgrp( fileno $terminal, $group );
        return;
    }
}

1;

__END__

=head1 NAME

Nacre::Debugger - lets perl's debugger prompt in the processes of the nacre server

=head1 SYNOPSIS

  nacre -d app.psgi

=head1 DESCRIPTION

There is nothing here for an application to call. F<Documentation/Debugging.md> of Nacre shows a session.

=head1 SEE ALSO

L<nacre(1)>, L<perldebug>

=cut
