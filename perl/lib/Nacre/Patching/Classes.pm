package Nacre::Patching::Classes;

use v5.16;
use strict;
use warnings;

our $VERSION = '0.1';

# Classes and roles of Moose and Moo: what speaks against building one again, what is built from it, and taking down what its
# framework knows about it.

my %plain_meta = map { $_ => 1 } qw(Moose::Meta::Class Moose::Meta::Role);

# Its metaclass in Moose; that which Moo shows to Moose does not count.
sub _meta {
    my ($package) = @_;
    my $meta = $INC{'Class/MOP.pm'} && Class::MOP::get_metaclass_by_name($package) or return;
    return ref $meta eq 'Moo::HandleMoose::FakeMetaClass' ? undef : $meta;
}

no warnings 'once';

sub is_of_moo {
    my ($package) = @_;
    return $Moo::MAKERS{$package} || $Role::Tiny::INFO{$package} || $Role::Tiny::APPLIED_TO{$package};
}

# '' for a package that is built by neither. Else its name, and those of all that is built from it, separated by \x01.
sub relatives {
    my ($package) = @_;
    my $meta = _meta($package);
    return '' if !$meta && !is_of_moo($package);
    my ( @found, %seen );
    my @left = ($package);
    while ( defined( my $next = shift @left ) ) {
        next if $seen{$next}++;
        push @found, $next;
        push @left, grep { _meta($_) || is_of_moo($_) } @{ mro::get_isarev($next) };
        push @left, grep { exists $Role::Tiny::APPLIED_TO{$_}{$next} } keys %Role::Tiny::APPLIED_TO;
        my $role = _meta($next);
        next if !$role || !$role->isa('Moose::Meta::Role');
        for my $other ( grep {defined} Class::MOP::get_all_metaclass_instances() ) {
            push @left, $other->name
                if $other != $role && $other->can('calculate_all_roles') && grep { $_->name eq $next } $other->calculate_all_roles;
        }
    }
    return join "\x01", @found;
}

# Why it cannot be built again; '' if it can.
sub objection {
    my ($package) = @_;
    for my $other ( split /\x01/, relatives($package) ) {
        return "$other was built from $package at run time, and objects may be of it" if $other ne $package && $other =~ /__WITH__|::__ANON__::/;
    }
    if ( my $meta = _meta($package) ) {
        my $kind = $meta->isa('Moose::Meta::Role') ? 'role' : 'class';
        return "$package is a Moo $kind that Moose has inflated" if $Moo::MAKERS{$package} || $Role::Tiny::INFO{$package};
        my $class = $meta->can('_real_ref_name') ? $meta->_real_ref_name : ref $meta;
        return "$package is a Moose $kind with a metaclass of its own kind, $class" if !$plain_meta{$class};
        my $types = Moose::Util::TypeConstraints::get_type_constraint_registry()->type_constraints;
        for my $name ( sort keys %$types ) {
            return "$package is a Moose $kind that defines the type $name"
                if $name ne $package && ( $types->{$name}->_package_defined_in // '' ) eq $package;
        }
    }
    return '';
}

# What was taken down, to be put back if the patch fails: [ hash, key, value ]; [ undef, package, metaclass ].
my @down;

sub take_down {
    my ($package) = @_;
    if ( $INC{'Class/MOP.pm'} and my $meta = Class::MOP::get_metaclass_by_name($package) ) {
        push @down, [ undef, $package, $meta ];
        Class::MOP::remove_metaclass_by_name($package);
    }
    for my $hash ( \%Moo::MAKERS, \%Role::Tiny::INFO, \%Role::Tiny::APPLIED_TO, $Role::Tiny::COMPOSED{modifiers} //= {} ) {
        push @down, [ $hash, $package, delete $hash->{$package} ] if exists $hash->{$package};
    }
    return;
}

sub put_back {
    while ( my $entry = pop @down ) {
        my ( $hash, $package, $value ) = @$entry;
        if ($hash) { $hash->{$package} = $value }
        else       { Class::MOP::store_metaclass_by_name( $package, $value ) }
    }
    return;
}

sub forget { @down = (); return }

1;

__END__

=head1 NAME

Nacre::Patching::Classes - takes classes of Moose and Moo down, so that they can be built again

=head1 SYNOPSIS

  use Nacre;
  Nacre->check;

=head1 DESCRIPTION

What L<Nacre> does with classes and roles of Moose and Moo that have changed. There is nothing here for an application to call.

=head1 SEE ALSO

L<Nacre>

=cut
