package Bench::Application;
use v5.16;
use strict;
use warnings;

use File::Path ();

# An application: its directory, the file that is edited, and what makes the file's contents for a version. The answer
# to every request contains `version <number>`.

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

# An application of one file.
sub versioned {
    my ($directory) = @_;
    File::Path::make_path("$directory/lib");
    return edited($directory, 'app.psgi', sub { <<"PERL" });
my \$body = "version $_[0]\\n";
sub { [200, ['Content-Type' => 'text/plain', 'Content-Length' => length \$body], [\$body]] };
PERL
}

# An application of `count` modules, loaded in the order of their numbers; module number `edited` holds the version.
sub modules {
    my ($directory, $count, $edited) = @_;
    write_file("$directory/lib/Bench/App/" . name($_) . '.pm', module($_, 0)) for 1 .. $count;
    my $uses = join '', map { 'use Bench::App::' . name($_) . ";\n" } 1 .. $count;
    write_file("$directory/app.psgi", $uses . sprintf(<<'PERL', name($edited)));
sub {
    my $body = 'version ' . Bench::App::%s->version . "\n";
    return [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $body], [$body]];
};
PERL
    return edited($directory, 'lib/Bench/App/' . name($edited) . '.pm', sub { module($edited, $_[0]) });
}

sub edited {
    my ($directory, $file, $contents) = @_;
    my $application = { directory => $directory, file => "$directory/$file", contents => $contents };
    save($application, 0);
    return $application;
}

# Saves a version as most editors do: a new file renamed over the old one.
sub save {
    my ($application, $version) = @_;
    write_file("$application->{file}.new", $application->{contents}->($version));
    rename "$application->{file}.new", $application->{file} or die "cannot save $application->{file}: $!\n";
}

sub name { sprintf 'M%04d', $_[0] }

# A module as there are many: constants, an import from an earlier module (each uses the one with half its number), an
# accessor or two, and a dozen subs with some code in them.
sub module {
    my ($number, $version) = @_;
    my $name   = name($number);
    my $parent = $number > 1 ? name(int($number / 2)) : undef;
    my $import = $parent ? "use Bench::App::$parent qw(label_$parent);\n" : '';
    my $above  = $parent ? "label_$parent()"                             : "''";
    my $subs   = join '', map { <<"PERL" } 1 .. 12;

sub method_$_ {
    my (\$self, \%option) = \@_;
    my \@found;
    for my \$key (sort keys \%option) {
        next if \$key =~ /^_/ || !defined \$option{\$key};
        push \@found, sprintf '%s=%s', \$key, ref \$option{\$key} ? 'ref' : \$option{\$key};
    }
    return wantarray ? \@found : join ', ', LIMIT > $_ ? \@found : ();
}
PERL
    return <<"PERL" . $subs . "\n1;\n";
package Bench::App::$name;
use strict;
use warnings;
use Exporter 'import';
${import}use constant { LIMIT => $number, NAME => '$name' };

our \@EXPORT_OK = ('label_$name');
our \%REGISTRY  = map { \$_ => LIMIT } qw(one two three four);

sub new     { my (\$class, \%field) = \@_; return bless {\%field}, \$class }
sub version { return $version }
sub label_$name { return join '/', $above, NAME }
PERL
}

sub write_file {
    my ($file, $contents) = @_;
    File::Path::make_path($file =~ s{/[^/]+\z}{}r);
    open my $handle, '>', $file or die "cannot write $file: $!\n";
    print {$handle} $contents;
    close $handle or die "cannot write $file: $!\n";
}

1;
