package OysterBar::Page;

# Fills a template. It is read at the first request and kept, as template engines do.
use v5.16;
use strict;
use warnings;

sub new {
    my ( $class, $file ) = @_;
    return bless { file => $file }, $class;
}

sub template {
    my ($self) = @_;
    return $self->{text} //= do {
        open my $in, '<', $self->{file} or die "Cannot read the template $self->{file}: $!\n";
        local $/;
        <$in>;
    };
}

# [% name %] is a value; [% each names %] ... [% end %] is repeated for each.
sub fill {
    my ( $self, $values ) = @_;
    my $text = $self->template;
    $text =~ s{\[% each (\w+) %\](.*?)\[% end %\]}
              {my $part = $2; join '', map { insert( $part, $_ ) } @{ $values->{$1} }}gse;
    return insert( $text, $values );
}

sub insert {
    my ( $text, $values ) = @_;
    $text =~ s{\[% (\w+) %\]}{escape( $values->{$1} // "[$1?]" )}ge;
    return $text;
}

sub escape {
    my ($text) = @_;
    my %entity = ( '&' => '&amp;', '<' => '&lt;', '>' => '&gt;', '"' => '&quot;' );
    $text =~ s/([&<>"])/$entity{$1}/g;
    return $text;
}

1;
