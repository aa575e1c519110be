extension Feature {
  /// Roles and classes of Moo and Role::Tiny, in packages of their own. A class uses the role with the number `other`.
  func composing(in module: Module) -> Lines {
    let package = "\(module.package)::Ro\(number)"
    switch kind {
    case .mooRole where value % 3 == 0:
      return Lines(code: [
        "package \(package);", "use Role::Tiny;", "sub roled { return 'tiny \(value)' }",
        "around word => sub { my ($next, $self) = @_; return 'tiny \(value) ' . $self->$next };",
        "package \(module.package);",
      ])
    case .mooRole:
      return Lines(code: [
        "package \(package);", "use Moo::Role;",
        "has size => (is => '\(value % 2 == 0 ? "rw" : "lazy")', default => sub { \(value) });",
        "requires 'word';", "sub roled { return 'roled \(value) ' . $_[0]->size }",
        "\(["around", "before", "after"][value % 4 % 3]) word => sub { my ($next, $self) = @_; return ref $next ? 'around \(value) ' . $self->$next : () };",
        "package \(module.package);",
      ])
    default: return composed(in: module)
    }
  }

  private func composed(in module: Module) -> Lines {
    let own = "\(module.package)::Mo\(number)"
    return Lines(
      code: [
        "use \(target) ();", "package \(own)::Base;", "use Moo;",
        "has age => (is => 'ro', default => \(value), isa => sub { die 'too old' if $_[0] > 990 });",
        "sub word { return 'word \(value)' }", "package \(own);", "use Moo;", "extends '\(own)::Base';",
        "with '\(target)::Ro\(other)';",
      ] + (value % 2 == 0 ? ["has '+age' => (coerce => sub { $_[0] + 1 });"] : [])
        + (value % 3 == 0 ? ["around age => sub { my ($next, $self) = @_; return 'aged ' . $self->$next };"] : [])
        + ["package \(module.package);"],
      answer: [
        "\(own)->new->word", "\(own)->new(age => 3)->age", "\(own)->new->age", "\(own)->new->roled",
        "\(own)->does('\(target)::Ro\(other)')",
      ])
  }
}
