package Nacre::Census::Subs;

use v5.16;
use strict;
use warnings;
no warnings qw(portable);
no overloading;

use B            ();
use Scalar::Util qw(refaddr reftype weaken);
use Nacre::Census::Text qw(text);

# Describes subs for a Nacre::Census::Graph.
sub new {
    my ( $class, $graph ) = @_;
    my $self = bless { graph => $graph }, $class;
    weaken $self->{graph};
    return $self;
}

# Under which name a sub was made: "App::run", or "App::__ANON__".
sub origin {
    my ( $self, $code ) = @_;
    my $cv   = B::svref_2object($code);
    my $name = $cv->can('NAME_HEK') ? $cv->NAME_HEK : undef;
    return $cv->STASH->NAME . "::$name" if defined $name && $cv->STASH->can('NAME');
    my $glob = $cv->GV;
    return '' if $glob->isa('B::SPECIAL');
    return $glob->STASH->NAME . '::' . $glob->SAFENAME;
}

sub file {
    my ( $self, $code ) = @_;
    return B::svref_2object($code)->FILE // '';
}

# One line for the sub, and one for each variable that it has closed over or keeps.
sub code {
    my ( $self, $code, $label ) = @_;
    my $graph = $self->{graph};
    my $cv    = B::svref_2object($code);
    my $flags = $cv->CvFLAGS;
    return $self->constant_value( $label, value_of( $cv->XSUBANY ), prototype $code )
        if $flags & B::CVf_CONST() && $cv->XSUB;
    my $proto = prototype $code;
    my $about = defined $proto ? "($proto)" : '';
    return $graph->add( sub => $label, "declared$about" ) if !$cv->XSUB && $cv->ROOT->isa('B::NULL');
    my $origin = $self->origin($code);
    $about .= ' :lvalue' if $flags & B::CVf_LVALUE();
    $about .= ' :method' if $flags & B::CVf_METHOD();
    $about .= " made as $origin" if "&$origin" ne $label;
    my $file = text( $self->file($code) );
    return $graph->add( sub => $label, "$about xs of $file" ) if $cv->XSUB;
    $graph->add( sub => $label, "$about of $file " . $self->body( $code, $cv ) );
    $self->variables( $cv, $label );
    return;
}

# perl's own values (true, false, undef) are no objects to B, but numbers in a list of names.
my %special = ( '&PL_sv_undef' => \undef, '&PL_sv_yes' => \!!1, '&PL_sv_no' => \!!0, '&PL_sv_zero' => \0 );

sub value_of {
    my ($value) = @_;
    return $value->object_2svref if !$value->isa('B::SPECIAL');
    return $special{ $B::specialsv_name[$$value] // '' } // \undef;
}

# A constant that has no sub yet: the value alone stands in the stash.
sub constant {
    my ( $self, $label, $value ) = @_;
    return $self->constant_value( $label, $value, '' );
}

sub constant_value {
    my ( $self, $label, $value, $proto ) = @_;
    my $graph = $self->{graph};
    my $shown = reftype($value) eq 'ARRAY' ? $graph->reference( $value, $label ) : $graph->content( $value, $label );
    return $graph->add( sub => $label, ( defined $proto ? "($proto)" : '' ) . " constant $shown" );
}

sub body {
    my ( $self, $code, $cv ) = @_;
    my $file = $self->file($code);
    return $self->digest($cv) if !$self->{graph}{deparse}->($file);
    my $deparse = $self->{deparse} //= do { require B::Deparse; B::Deparse->new( '-l', '-si2' ) };
    local $SIG{__WARN__} = sub { };
    my $text = eval { $deparse->coderef2text($code) };
    return $self->digest($cv) if !defined $text;
    $text =~ s/\n[ ]*/\n/g;
    return text($text);
}

sub format {
    my ( $self, $format, $name ) = @_;
    my $cv = B::svref_2object($format);
    return if $cv->ROOT->isa('B::NULL');
    $self->{graph}->add( format => $name, $self->digest($cv) );
    return;
}

# Where the text is not wanted: which ops there are, how they were compiled, and the constants and globs that they use.
my $sum;

# Whether a sub was there when a call of it was compiled makes no other difference than these.
my %ignored = ( B::opnumber('gv') => B::OPpEARLY_CV(), B::opnumber('entersub') => B::OPpENTERSUB_HASTARG() );

sub B::OP::nacre_census {
    my $type    = $_[0]->type;
    my $private = $_[0]->private & ~( $ignored{$type} // 0 );
    my $want    = $_[0]->flags & B::OPf_WANT();
    $sum = ( $sum * 33 ^ $type ^ $private << 16 ^ $want << 24 ) & 0xffff_ffff_ffff;
    return;
}

sub B::COP::nacre_census { $sum = ( $sum * 33 ^ $_[0]->type ^ $_[0]->hints << 9 ) & 0xffff_ffff_ffff; return }

sub digest {
    my ( $self, $cv ) = @_;
    my $graph = $self->{graph};
    $sum = 5381;
    B::walkoptree( $cv->ROOT, 'nacre_census' );
    my $start = $cv->START;
    my $line  = $start->can('line') ? $start->line : 0;
    return sprintf 'line %d ops %x uses %s', $line, $sum, join ' ', $self->used($cv);
}

# Under threads, the constants and globs of a sub are in its pad, among the variables, without a name.
sub used {
    my ( $self, $cv ) = @_;
    my ( $names, $values ) = pad($cv) or return;
    my @used;
    for my $index ( 1 .. $#$values ) {
        my ( $name, $value ) = ( $names->[$index], $values->[$index] );
        next if $name && $name->can('PV') && defined $name->PV && length $name->PV;
        if ( $value->isa('B::GV') ) { push @used, '*' . $value->STASH->NAME . '::' . $value->SAFENAME }
        elsif ( $value->can('FLAGS') && $value->FLAGS & B::SVf_READONLY() ) {
            my $scalar = $value->object_2svref;
            push @used, $self->{graph}->sketch( $scalar, 1 ) if reftype $scalar eq 'SCALAR';
        }
    }
    return @used;
}

sub pad {
    my ($cv) = @_;
    my $list = $cv->PADLIST;
    return if !$list->can('ARRAYelt');
    my ( $names, $values ) = map { $list->ARRAYelt($_) } 0, 1;
    return if !$names || !$names->can('ARRAY') || !$values || !$values->can('ARRAY');
    return ( [ $names->ARRAY ], [ $values->ARRAY ] );
}

# PADNAMEt_OUTER, _STATE and _OUR of perl's pad.h; B exports the first alone.
my ( $outer, $state, $our ) = ( 1, 2, 16 );

# The variables that a sub has closed over, and its `state`: pairs of a name and a reference.
sub held {
    my ($cv) = @_;

    # The pattern from which closures are made has closed over nothing itself.
    return if $cv->CvFLAGS & B::CVf_CLONE();
    my ( $names, $values ) = pad($cv) or return;
    my ( @held, %seen );
    for my $index ( 1 .. $#$names ) {
        my ( $name, $value ) = ( $names->[$index], $values->[$index] );

        # A `state` variable has a second entry without a name, which tells whether it has been set.
        next if !$name || !$name->can('PV') || length( $name->PV // '' ) < 2 || $name->FLAGS & $our;
        next if !( $name->FLAGS & ( $outer | $state ) ) || !$value || !$value->can('object_2svref');
        my $count = $seen{ $name->PV }++;
        push @held, [ $name->PV . ( $count ? "#$count" : '' ), $value->object_2svref ];
    }
    return @held;
}

sub variables {
    my ( $self, $cv, $label ) = @_;
    my $graph = $self->{graph};
    for my $held ( held($cv) ) {
        my ( $name, $variable ) = @$held;
        my $shown = "$label: $name";
        my $known = $graph->{labels}{ refaddr $variable};
        if ( defined $known ) { $graph->add( closed => $shown, "-> $known" ); next }
        $graph->name( $variable, $shown );
        if ( $name =~ /\A\$/ ) { $graph->add( closed => $shown, $graph->content( $variable, $shown ) ) }
        else                   { $graph->thing( $variable, $shown ) }
    }
    return;
}

# A few words for putting subs in order.
sub sketch {
    my ( $self, $code, $depth ) = @_;
    my $cv    = B::svref_2object($code);
    my $start = $cv->START;
    my @held  = map { $self->{graph}->sketch( ref $_->[1] eq 'REF' || ref $_->[1] eq 'SCALAR' ? $_->[1] : \$_->[1], $depth ) } held($cv);
    return join ' ', $self->origin($code), $self->file($code), $start->can('line') ? $start->line : 0, @held;
}

1;

__END__

=head1 NAME

Nacre::Census::Subs - the part of Nacre::Census that describes subs

=head1 SYNOPSIS

  use Nacre::Census;

=head1 DESCRIPTION

Source text or digest of a sub, and the variables that it has closed over.
There is nothing here to be called by others.

=head1 SEE ALSO

L<Nacre::Census>

=cut
