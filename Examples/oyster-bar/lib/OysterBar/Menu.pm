package OysterBar::Menu;

# Reads the configuration file, once, while the application loads.
use v5.16;
use strict;
use warnings;

use OysterBar::Oyster;
use OysterBar::Rules qw(DOZEN SERVICE_PERCENT);

sub from_file {
    my ( $class, $file ) = @_;
    open my $in, '<', $file or die "Cannot read the menu $file: $!\n";
    my $self = bless { title => 'Menu', oysters => [] }, $class;
    while ( my $line = <$in> ) {
        next if $line =~ /^\s*(?:#|$)/;
        my ( $key, $value ) = $line =~ /^\s*(\w+)\s*=\s*(.*?)\s*$/ or die "$file line $.: not `key = value`\n";
        if ( $key eq 'oyster' ) {
            my ( $name, $cents ) = $value =~ /^(.+?)\s*,\s*(\d+)$/ or die "$file line $.: not `name, cents`\n";
            push @{ $self->{oysters} }, OysterBar::Oyster->new( name => $name, cents => $cents );
        }
        else { $self->{$key} = $value }
    }
    return $self;
}

# What the template may show.
sub for_page {
    my ($self) = @_;
    return {
        title   => $self->{title},
        count   => DOZEN,
        service => SERVICE_PERCENT,
        oysters => [ map { { name => $_->name, price => $_->price, dozen => $_->dozen } } @{ $self->{oysters} } ],
    };
}

1;
