package Bench::Application::Modules;
use v5.16;
use strict;
use warnings;

use Bench::Application ();

# An application of many modules as there are many: `app.psgi` uses areas, and each area uses its modules, at most 50.
# Modules are loaded in the order of their numbers. Each imports from the one with half its number, so that on those of
# the first half others depend; those of the second half are leaves. The target of an edit is a number.
sub make {
    my ($directory, $count) = @_;
    Bench::Application::write_file(file($directory, $_), module($_, 0)) for 1 .. $count;
    my @areas = 1 .. int(($count + 49) / 50);
    for my $area (@areas) {
        my $last = 50 * $area < $count ? 50 * $area : $count;
        Bench::Application::write_file("$directory/lib/Bench/Area" . sprintf('%03d', $area) . '.pm',
            join '', sprintf("package Bench::Area%03d;\nuse strict;\nuse warnings;\n", $area),
            (map { 'use Bench::App::' . name($_) . ";\n" } 50 * $area - 49 .. $last), "\n1;\n");
    }
    my $uses = join '', map { sprintf "use Bench::Area%03d;\n", $_ } @areas;
    Bench::Application::write_file("$directory/app.psgi", $uses . <<'PERL');
sub {
    my ($name) = $_[0]{PATH_INFO} =~ m{^/(M\d+)};
    my $body = 'version ' . "Bench::App::$name"->version . "\n";
    # uWSGI and hypnotoad do not say themselves that a connection ends; uWSGI would even keep it.
    my @ends = $ENV{BENCH_SAYS_CLOSE} && ($_[0]{HTTP_CONNECTION} // '') eq 'close' ? (Connection => 'close') : ();
    return [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $body, @ends], [$body]];
};
PERL
    return {
        directory => $directory,
        edit      => sub {
            my ($number, $version) = @_;
            return { file => file($directory, $number), contents => module($number, $version), path => '/' . name($number) };
        },
    };
}

sub name { sprintf 'M%04d', $_[0] }

sub file { "$_[0]/lib/Bench/App/" . name($_[1]) . '.pm' }

# A module as there are many: constants, an import from an earlier module, an accessor or two, and a dozen subs with
# some code in them.
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

1;
