package Bench::Application;
use v5.16;
use strict;
use warnings;

use File::Path ();

# An application in a directory of its own: { directory, edit }. `edit` is a sub that takes a target (what is to be
# edited; each kind of application has its own) and a version, and returns { file, contents, path }: the file to write,
# and the path whose answer is `version <number>` afterwards.

# The plain application of the throughput measurement. It is not edited.
sub hello {
    my ($directory) = @_;
    write_file("$directory/app.psgi", <<'PERL');
my $body = "Hello, world!\n";
sub { [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $body], [$body]] };
PERL
    File::Path::make_path("$directory/lib");
    return { directory => $directory };
}

# An application of one small module.
sub versioned {
    my ($directory) = @_;
    write_file("$directory/app.psgi", <<'PERL');
use Bench::Hello;
sub {
    my $body = Bench::Hello::text();
    return [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $body], [$body]];
};
PERL
    return of_one_file($directory, 'lib/Bench/Hello.pm', sub { <<"PERL" });
package Bench::Hello;
use strict;
use warnings;

sub text { return "version $_[0]\\n" }

1;
PERL
}

# An application of which always the same file is edited; it is written with version 0.
sub of_one_file {
    my ($directory, $file, $contents) = @_;
    my $application = {
        directory => $directory,
        edit      => sub { { file => "$directory/$file", contents => $contents->($_[1]), path => '/' } },
    };
    save($application->{edit}->(undef, 0));
    return $application;
}

# Saves as most editors do: a new file renamed over the old one.
sub save {
    my ($edit) = @_;
    write_file("$edit->{file}.new", $edit->{contents});
    rename "$edit->{file}.new", $edit->{file} or die "cannot save $edit->{file}: $!\n";
}

sub write_file {
    my ($file, $contents) = @_;
    File::Path::make_path($file =~ s{/[^/]+\z}{}r);
    open my $handle, '>', $file or die "cannot write $file: $!\n";
    print {$handle} $contents;
    close $handle or die "cannot write $file: $!\n";
}

1;
