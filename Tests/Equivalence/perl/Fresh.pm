package Nacre::Host;

use strict;
use warnings;

# The oracle: a perl that starts now and loads the application with Nacre's own loader, without Nacre's library. Given:
# own=, file=, include= (separated by commas) and to=, the file that takes what Probe describes, and with lazily=1 again
# after what is loaded lazily; or the error. (In a package that the census leaves out.)
my %given;

sub start_fresh {
    %given = map { split /=/, $_, 2 } @ARGV;
    @ARGV = ();
    delete $INC{$_} for grep { m{/Fresh\.pm\z} } keys %INC;
    @INC  = ( ( grep { $_ ne $given{own} } @INC ), $given{own} );

    # As the server does, so that they are there for all.
    require IO::File;
    require PerlIO::scalar;
    open my $to, '>', "$given{to}.part" or die "$given{to}: $!";
    my $app = eval { Nacre::Host::load_application() };
    if ( ref $app eq 'CODE' ) {
        $SIG{$_} ||= 'IGNORE' for qw(PIPE INT QUIT);
        print {$to} Probe::described();
        $to->flush;

        # As in a worker. In a child: a module that is loaded lazily may call exit.
        my $child = $given{lazily} ? fork : -1;
        if ( !$child ) {
            $0 = $given{file};
            Probe::be_lazy();
            print {$to} Probe::described();
            close $to;
            kill KILL => $$;
        }
        waitpid $child, 0 if $child > 0;
    }
    else { print {$to} "failed\n", $@ || 'did not return an application' }
    close $to;
    rename "$given{to}.part", $given{to};
    kill KILL => $$;
}

sub settings {
    return join "\0", include => join( "\1", split /,/, $given{include} ), modules => '', code => '', file => $given{file},
        path => '', log => '';
}

sub generation    { return 0 }
sub begin_preload { return }

1;
