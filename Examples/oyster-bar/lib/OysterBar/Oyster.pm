package OysterBar::Oyster;

# A class: its objects are made while the application loads, and live as long as it does.
use v5.16;
use strict;
use warnings;

use OysterBar::Money qw(money);
use OysterBar::Rules qw(DOZEN SERVICE_PERCENT);

sub new {
    my ( $class, %self ) = @_;
    return bless {%self}, $class;
}

sub name { return $_[0]{name} }

sub price { return money( $_[0]{cents} ) }

sub dozen {
    my ($self) = @_;
    return money( $self->{cents} * DOZEN * ( 100 + SERVICE_PERCENT ) / 100 );
}

1;
