package Nacre::Census::Graph;

use v5.16;
use strict;
use warnings;
no overloading;
no warnings qw(recursion);

use B            ();
use Scalar::Util qw(blessed isweak looks_like_number refaddr reftype);
use Nacre::Census::Subs;
use Nacre::Census::Text qw(text);

# What there is to describe, and how far that is. A thing gets its label when it is first met; whoever meets it again
# names the label. Breadth first, so that labels are short: labels => { 94273 => '$App::routes->' }.
sub new {
    my ( $class, %option ) = @_;
    my $self = bless { labels => {}, queue => [], lines => [], later => [], %option }, $class;
    $self->{subs} = Nacre::Census::Subs->new($self);
    return $self;
}

sub add {
    my ( $self, $kind, $name, $value ) = @_;
    push @{ $self->{lines} }, "$kind\t$name\t$value";
    return;
}

# All lines, when everything that can be reached has been described.
sub lines {
    my ($self) = @_;
    while (1) {
        if    ( my $next = shift @{ $self->{queue} } ) { $self->thing(@$next) }
        elsif ( my $last = shift @{ $self->{later} } ) { $self->elements(@$last) }
        else                                           { last }
    }
    return @{ $self->{lines} };
}

sub name {
    my ( $self, $thing, $label ) = @_;
    $self->{labels}{ refaddr $thing} //= $label;
    return;
}

# A sub that has several names (imports) goes by the one under which it was made.
sub name_subs {
    my ( $self, @subs ) = @_;
    my %names;
    push @{ $names{ refaddr $_->[1] } }, $_ for @subs;
    for my $same ( values %names ) {
        my $made = @$same > 1 ? $self->{subs}->origin( $same->[0][1] ) : '';
        my ($label) = grep { $_ eq $made } map { $_->[0] } @$same;
        $self->name( $same->[0][1], '&' . ( $label // $same->[0][0] ) );
    }
    return;
}

# One entry of a stash.
sub symbol {
    my ( $self, $symbol ) = @_;
    my $name = $symbol->{name};
    $self->{subs}->constant( "&$name", $symbol->{constant} ) if $symbol->{constant};
    $self->add( sub => "&$name", "declared$symbol->{declared}" ) if defined $symbol->{declared};
    $self->own( $symbol->{code}, "&$name" )                      if $symbol->{code};
    $self->own( $symbol->{SCALAR}, "\$$name" )                   if $symbol->{SCALAR};
    $self->own( $symbol->{ARRAY},  "\@$name" )                   if $symbol->{ARRAY};
    $self->own( $symbol->{HASH},   "%$name" )                    if $symbol->{HASH};
    $self->own( $symbol->{IO},     "*$name" )                    if $symbol->{IO};
    $self->{subs}->format( $symbol->{FORMAT}, $name )            if $symbol->{FORMAT};
    return;
}

# Something that has a name: described here, or elsewhere if it is the same as another that has one.
sub own {
    my ( $self, $thing, $name ) = @_;
    my $label = $self->{labels}{ refaddr $thing} //= $name;
    return $self->thing( $thing, $name ) if $label eq $name;
    $self->add( alias => $name, "-> $label" );
    return;
}

my %describe = (
    ARRAY => \&array,
    HASH  => \&hash,
    CODE  => sub { $_[0]{subs}->code( $_[1], $_[2] ) },
    IO    => \&handle,
    GLOB  => \&glob,
);

sub thing {
    my ( $self, $thing, $label ) = @_;
    ( $describe{ reftype $thing} || \&scalar )->( $self, $thing, $label );
    return;
}

sub scalar {
    my ( $self, $scalar, $name ) = @_;
    my $content = $self->content( $scalar, $name );
    $self->add( scalar => $name, $content ) if $content ne 'undef';
    return;
}

# %Name has elements $Name{key}, what a reference leads to $path->{key}.
sub element_prefix { my ($label) = @_; return $label =~ s/\A[\@%](?=[A-Za-z_:])/\$/r }

sub array {
    my ( $self, $array, $label ) = @_;
    if ( my $object = tied @$array ) { return $self->add( array => $label, $self->tied_to( $object, $label ) ) }
    my $prefix = element_prefix($label);
    for my $index ( 0 .. $#$array ) {
        my $name = $prefix . "[$index]";
        $self->add( array => $name, exists $array->[$index] ? $self->content( \$array->[$index], $name ) : 'absent' );
    }
    return;
}

sub hash {
    my ( $self, $hash, $label ) = @_;
    if ( my $object = tied %$hash ) { return $self->add( hash => $label, $self->tied_to( $object, $label ) ) }
    my $prefix = element_prefix($label);
    my %alike;
    push @{ $alike{ text($_) } }, $_ for keys %$hash;
    for my $shown ( sort keys %alike ) {
        my @element = ( $hash, $prefix . "{$shown}", $alike{$shown} );

        # Keys that are addresses all look alike: their values put them in order, as soon as those have names of their own.
        if   ( $shown =~ /\(address\)/ ) { push @{ $self->{later} }, \@element }
        else                             { $self->elements(@element) }
    }
    return;
}

sub elements {
    my ( $self, $hash, $shown, $keys ) = @_;
    my @keys = @$keys;
    @keys = map { $_->[1] } sort { $a->[0] cmp $b->[0] } map { [ $self->sketch( \$hash->{$_}, 3 ), $_ ] } @keys
        if @keys > 1;
    for my $index ( 0 .. $#keys ) {
        my $name    = $shown . ( $index ? "#$index" : '' );
        my $content = $self->content( \$hash->{ $keys[$index] }, $name );

        # perl has an entry for each signal.
        $self->add( hash => $name, $content ) if $content ne 'undef' || $name !~ /\A\$main::SIG\{/;
    }
    return;
}

sub tied_to {
    my ( $self, $object, $label ) = @_;
    return 'tied ' . $self->content( \$object, "tied $label" );
}

# An open file is its path and how far it has been read.
sub handle {
    my ( $self, $handle, $label ) = @_;
    no warnings;
    my $number = tied *$handle ? undef : fileno $handle;
    my $state  = 'closed';
    if ( tied *$handle ) { $state = $self->tied_to( tied *$handle, $label ) }
    elsif ( defined $number && $number >= 0 ) {
        $state = readlink("/proc/self/fd/$number") // 'open';
        $state =~ s/:\[\d+\]\z//;
        $state = 'open' if $number < 3;
        $state .= ' at ' . tell $handle if $number > 2 && -f $handle;
    }
    elsif ( defined $number ) { $state = 'in memory at ' . tell $handle }
    return $self->add( handle => $label, text($state) );
}

# A glob that no stash holds, such as an open file's in a lexical variable.
sub glob {
    my ( $self, $glob, $label ) = @_;
    for my $slot ( [ CODE => '&' ], [ SCALAR => '$' ], [ ARRAY => '@' ], [ HASH => '%' ], [ IO => '*' ] ) {
        my $thing = *{$glob}{ $slot->[0] } or next;
        $self->own( $thing, "$label$slot->[1]" );
    }
    return;
}

# What a scalar holds. Where that leads to is described later, unless it was met before.
sub content {
    my ( $self, $scalar, $path ) = @_;
    my $flags = flags($scalar);
    if ( $flags & B::SVs_GMG() ) {
        if ( my $object = tied $$scalar ) { return $self->tied_to( $object, $path ) }
        my $magic = $self->magic($scalar);
        return "magic $magic" if $magic =~ /[^\0st]/;
    }
    return 'undef' if !defined $$scalar;
    return ( isweak($$scalar) ? 'weak ' : '' ) . $self->reference( $$scalar, $path ) if ref $$scalar;
    return $self->glob_name( $scalar, $path ) if reftype($scalar) eq 'GLOB';
    return 'regex ' . text("$$scalar") if reftype($scalar) eq 'REGEXP';
    my $text = "'" . text($$scalar) . "'";
    my $is_both = ( $flags & B::SVf_POK() ) && ( $flags & ( B::SVf_IOK() | B::SVf_NOK() ) ) && !looks_like_number($$scalar);
    return $is_both && $$scalar ne '' ? $text . ' as number ' . ( $$scalar + 0 ) : $text;
}

# perl's own undef, true and false are no objects with flags to B.
sub flags {
    my ($scalar) = @_;
    my $object = B::svref_2object($scalar);
    return ref $object eq 'B::SPECIAL' ? 0 : $object->FLAGS;
}

sub magic {
    my ( $self, $scalar ) = @_;
    my $types = '';
    for ( my $magic = B::svref_2object($scalar)->MAGIC ; $magic && $$magic ; $magic = $magic->MOREMAGIC ) {
        $types .= $magic->TYPE;
    }
    return $types;
}

sub reference {
    my ( $self, $thing, $path ) = @_;
    my $label = $self->{labels}{ refaddr $thing};
    return "-> $label" if defined $label;
    my $type = reftype $thing;
    my $is   = defined blessed $thing ? $type . ' blessed ' . blessed $thing : $type;
    if ( $type eq 'REGEXP' ) {
        my ( $pattern, $modifiers ) = re::regexp_pattern($thing);
        return "$is " . text("/$pattern/$modifiers");
    }
    $self->{labels}{ refaddr $thing} = "$path->";
    push @{ $self->{queue} }, [ $thing, "$path->" ];
    return $is if $type ne 'GLOB';
    return "$is " . text("*{$thing}{PACKAGE}" . '::' . *{$thing}{NAME} );
}

sub glob_name {
    my ( $self, $glob, $path ) = @_;
    my $handle = *{$glob}{IO};
    return 'glob ' . text("$$glob") . ( $handle ? ' ' . $self->reference( $handle, $path ) : '' );
}

# A value without labels and without depth, to put things in order that have no names.
sub sketch {
    my ( $self, $scalar, $depth ) = @_;
    return 'magic' if flags($scalar) & B::SVs_GMG();
    return defined $$scalar ? text("$$scalar") : 'undef' if !ref $$scalar;
    my $thing = $$scalar;
    my $type  = reftype $thing;
    my $is    = $self->{labels}{ refaddr $thing} // $type . ( blessed $thing // '' );
    return $is if !$depth;
    return "$is [" . join( ',', map { $self->sketch( \$_, $depth - 1 ) } @$thing ) . ']' if $type eq 'ARRAY' && !tied @$thing;
    return "$is {" . join( ',', sort map { text($_) . '=' . $self->sketch( \$thing->{$_}, $depth - 1 ) } keys %$thing ) . '}'
        if $type eq 'HASH' && !tied %$thing;
    return "$is " . $self->{subs}->sketch( $thing, $depth - 1 ) if $type eq 'CODE';
    return "$is " . $self->sketch( $thing, $depth - 1 ) if $type eq 'REF' || $type eq 'SCALAR';
    return $is;
}

sub end_blocks {
    my ($self) = @_;
    my $blocks = B::end_av();
    return if !$blocks->isa('B::AV');
    my $number = 0;
    for my $block ( $blocks->ARRAY ) {
        my $code = $block->object_2svref;
        next if $self->{subs}->file($code) =~ m{/Nacre(?:/Host)?\.pm\z};
        $self->own( $code, sprintf 'END %03d', ++$number );
    }
    return;
}

1;

__END__

=head1 NAME

Nacre::Census::Graph - the part of Nacre::Census that walks through data

=head1 SYNOPSIS

  use Nacre::Census;

=head1 DESCRIPTION

Gives each thing a label when it is first met, and describes all that can be reached, breadth first.
There is nothing here to be called by others.

=head1 SEE ALSO

L<Nacre::Census>

=cut
