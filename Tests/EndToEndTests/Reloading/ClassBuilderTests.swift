import Testing

/// Classes that are built while they load and closed afterwards: where loading again in place breaks.
@Suite(.lane) struct ClassBuilderTests {
  @Test(.enabled(if: Products.perlHas("Moose"), "libmoose-perl is not installed"))
  func immutableMooseClassAndItsRoleAreRebuilt() throws {
    func role(_ greeting: String) -> String {
      "package Greeting; use Moose::Role; requires 'name'; sub greet { '\(greeting) ' . $_[0]->name } 1;"
    }
    let site = try Site([
      "app.psgi": Site.app("$person->greet", using: "use Person; my $person = Person->new(name => 'Ann');"),
      "lib/Person.pm": """
      package Person; use Moose;
      has name => (is => 'ro', required => 1);
      with 'Greeting';
      around greet => sub { my ($next, $self) = @_; '<' . $self->$next . '>' };
      __PACKAGE__->meta->make_immutable;
      """,
      "lib/Greeting.pm": role("hello"),
    ])
    try site.serve { server in
      try server.expectFresh("<hello Ann>")
      try site.write("lib/Greeting.pm", role("good day"))
      try server.expectFresh("<good day Ann>")
      try site.edit("lib/Person.pm", "with 'Greeting';", "has age => (is => 'rw', default => 7); with 'Greeting';")
      try site.edit("app.psgi", "$person->greet", "$person->greet . $person->age")
      try server.expectFresh("<good day Ann>7")
      // A role that asks for what the class does not have is an error, and leaves it when it asks no more.
      try site.edit("lib/Greeting.pm", "requires 'name'", "requires 'nothing'")
      #expect(try server.ask().status == 500)
      try site.edit("lib/Greeting.pm", "requires 'nothing'", "requires 'name'")
      try server.expectFresh("<good day Ann>7")
    }
  }

  @Test(.enabled(if: Products.perlHas("Moo"), "libmoo-perl is not installed"))
  func mooClassWithAnInlinedConstructorAndItsRoleAreRebuilt() throws {
    func box(_ attributes: String) -> String { "package Box; use Moo; with 'Size'; \(attributes) 1;" }
    let site = try Site([
      "app.psgi": Site.app(
        "$box->describe . (Box->can('colour') ? Box->new->colour : '')",
        using: "use Box; my $box = Box->new(width => 2);"),
      "lib/Box.pm": box("has width => (is => 'ro');"),
      "lib/Size.pm": "package Size; use Moo::Role; sub describe { 'width ' . $_[0]->width } 1;",
    ])
    try site.serve { server in
      try server.expectFresh("width 2")
      try site.write("lib/Box.pm", box("has width => (is => 'ro'); has colour => (is => 'lazy', default => 'red');"))
      try server.expectFresh("width 2red")
      try site.edit("lib/Size.pm", "'width '", "'w'")
      try server.expectFresh("w2red")
    }
  }

  @Test func baseAndFieldsAreRebuilt() throws {
    let site = try Site([
      "app.psgi": Site.app("join ' ', sort keys %Child::FIELDS", using: "use Child;"),
      "lib/Parent.pm": "package Parent; use fields qw(name); 1;",
      "lib/Child.pm": "package Child; use base 'Parent'; use fields qw(age); 1;",
    ])
    try site.serve { server in
      try server.expectFresh("age name")
      try site.write("lib/Parent.pm", "package Parent; use fields qw(name size); 1;")
      try server.expectFresh("age name size")
      try site.write("lib/Parent.pm", "package Parent; use fields qw(size); 1;")
      try server.expectFresh("age size")
    }
  }
}
