package Nacre::Apache2::Settings;

use v5.16;
use strict;
use warnings;

our $VERSION = '0.1';

# Apache2::Reload's directives with its defaults; On and Off are read as there.
sub new {
    my ( $class, $value ) = @_;
    my $self = {
        all         => lc( $value->('ReloadAll')                      // 'on' ) eq 'on',
        debug       => lc( $value->('ReloadDebug')                    // '' ) eq 'on',
        by_name     => lc( $value->('ReloadByModuleName')             // '' ) eq 'on',
        constants   => lc( $value->('ReloadConstantRedefineWarnings') // '' ) eq 'on',
        touch_file  => $value->('ReloadTouchFile'),
        modules     => [ split ' ', $value->('ReloadModules')     // '' ],
        directories => [ map { _directory($_) } split ' ', $value->('ReloadDirectories') // '' ],
    };
    return bless $self, $class;
}

sub _directory {
    my ($directory) = @_;
    require Cwd;
    my $plain = $directory =~ s{(?<=.)/+\z}{}r;
    return [ $plain, Cwd::realpath($plain) // $plain ];
}

# Why a changed file is loaded again; undef if it is not. Those that were taken out are never asked for.
sub reason {
    my ( $self, $key, $path, $is_registered, $listed ) = @_;
    return undef if @{ $self->{directories} } && !grep { _is_below( $path, @$_ ) } @{ $self->{directories} };
    return 'ReloadAll' if $self->{all};
    return 'registered' if $is_registered;
    my ( $from, @patterns ) = $listed ? ( 'the touch file', @$listed ) : ( 'ReloadModules', @{ $self->{modules} } );
    return ( grep { _matches( $key, $_ ) } @patterns ) ? $from : undef;
}

sub _is_below {
    my ( $path, $plain, $real ) = @_;
    for my $directory ( $plain, $real ) {
        return 1 if $directory eq '/' || index( $path, "$directory/" ) == 0;
    }
    my $target = Cwd::realpath($path) // return 0;
    return index( $target, "$real/" ) == 0;
}

# X::* is what lies below X::, My* is a prefix, * is everything.
sub _matches {
    my ( $key, $pattern ) = @_;
    return 1 if $pattern eq '*' || $pattern eq $key;
    my $module = $key =~ s/\.pm\z//r =~ s{/}{::}gr;
    return $pattern =~ /\A(.+)\*\z/s ? index( $module, $1 ) == 0 && $module ne $1 : $module eq $pattern;
}

1;

__END__

=head1 NAME

Nacre::Apache2::Settings - what Apache2::Reload's directives say

=head1 DESCRIPTION

Decides for L<Nacre::Apache2> which changed files are loaded again. There is nothing here for an application to call.

=head1 SEE ALSO

L<Nacre::Apache2>

=cut
