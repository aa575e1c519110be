package Nacre::Apache2::Scripts;

use v5.16;
use strict;
use warnings;

our $VERSION = '0.1';

# By the package that ModPerl::RegistryCooker has made for it: where the script is cached, and what it uses.
my %script;

# Those that are compiled again because of us: perl's warnings of what is defined again are not news.
my %is_renewed;

my $compile;

# Follows what registry scripts are compiled.
sub follow {
    return if $compile || !eval { require ModPerl::RegistryCooker; 1 };
    $compile = \&ModPerl::RegistryCooker::compile;
    no strict 'refs';
    no warnings qw(redefine once);

    # The others have copies.
    for my $class ( map {"ModPerl::$_"} qw(RegistryCooker Registry RegistryBB RegistryPrefork PerlRun PerlRunPrefork) ) {
        *{"${class}::compile"} = \&_compile if defined &{"${class}::compile"} && \&{"${class}::compile"} == $compile;
    }
    return;
}

sub _compile {
    my ( $self, $source ) = @_;
    my $package = $self->{PACKAGE};
    $script{$package} = { table => $self->cache_table, uses => _modules($$source) };
    my $is_renewed = delete $is_renewed{$package};
    my $handler    = $SIG{__WARN__};
    local $SIG{__WARN__} = $is_renewed ? sub { _warn( $handler, @_ ) } : $handler;
    Nacre::Patching::begin_script($package);
    my $result = $compile->( $self, $source );
    Nacre::Patching::end_script();
    return $result;
}

sub _warn {
    my ( $handler, @text ) = @_;
    return if $text[0] =~ /\A(?:Subroutine|Constant subroutine) \S+ redefined at |\APrototype mismatch: /;
    return ref $handler eq 'CODE' ? $handler->(@text) : warn @text;
}

# The modules that a script names.
sub _modules {
    my ($source) = @_;
    return { map { s{::}{/}gr . '.pm' => 1 } $source =~ /\b(?:use|require)\s+([A-Za-z_]\w*(?:::\w+)*)/g };
}

# Has the scripts compiled again that use what was loaded again: gives their number.
sub renew {
    my ($report) = @_;
    my %must  = map { $_ => 1 } @{ $report->{scripts} };
    my $count = 0;
    my %cached;
    no warnings 'once';
    $cached{$_} = \%ModPerl::RegistryCache for keys %ModPerl::RegistryCache;
    $cached{$_} = $script{$_}{table}       for keys %script;
    for my $package ( keys %cached ) {
        my $entry = $cached{$package}{$package};
        next if ref $entry ne 'HASH' || !exists $entry->{mtime};

        # Who was compiled unseen may use anything.
        my $uses = $script{$package} && $script{$package}{uses};
        next if $uses && !$must{$package} && !grep { $uses->{$_} } @{ $report->{reloaded} };
        delete $entry->{mtime};
        $is_renewed{$package} = 1;
        $count++;
    }
    return $count;
}

1;

__END__

=head1 NAME

Nacre::Apache2::Scripts - registry scripts that use changed modules

=head1 DESCRIPTION

ModPerl::Registry keeps the scripts that it has compiled. When L<Nacre::Apache2> has loaded a module again, the scripts that name it in
a C<use> or C<require>, and those that hold one of its constants, are compiled again at their next request, as if they had been
touched: they import what it exports now. There is nothing here for an application to call.

=head1 SEE ALSO

L<Nacre::Apache2>, L<ModPerl::Registry>

=cut
