import Testing

/// Classes made of attributes, roles and modifiers, in the midst of an application: what ClassBuilderTests begins.
@Suite(.lane, .enabled(if: Products.perlHas("Moose"), "libmoose-perl is not installed"))
struct MooseTests {
  /// Two classes that share a role, a subclass, and objects that live as long as the application.
  private func site() throws -> Site {
    try Site([
      "app.psgi": Site.app(
        "join(' ', map { $_->describe } @animals) . ' ' . join ',', sort map { $_->name } Dog->meta->get_all_attributes",
        using: "use Dog; use Puppy; use Cat; my @animals = map { $_->new(name => 'x') } qw(Dog Puppy Cat);"),
      "lib/Named.pm": """
      package Named;
      use Moose::Role;
      has name => (is => 'ro', required => 1);
      sub describe { my $self = shift; ref($self) . ':' . $self->sound }
      requires 'sound';
      1;
      """,
      "lib/Dog.pm": """
      package Dog;
      use Moose;
      with 'Named';
      sub sound { 'wuff' }
      __PACKAGE__->meta->make_immutable;
      """,
      "lib/Puppy.pm": """
      package Puppy;
      use Moose;
      extends 'Dog';
      around sound => sub { my ($next, $self) = @_; '<' . $self->$next . '>' };
      __PACKAGE__->meta->make_immutable;
      """,
      "lib/Cat.pm": """
      package Cat;
      use Moose;
      sub sound { 'miau' }
      with 'Named';
      """,
    ])
  }

  @Test(.slow) func attributesAreAddedChangedAndRemoved() throws {
    let site = try site()
    try site.serve { server in
      try server.expectFresh("Dog:wuff Puppy:<wuff> Cat:miau name")
      try site.edit("lib/Dog.pm", "with 'Named';", "has age => (is => 'ro', default => 3); with 'Named';")
      try server.expectFresh("Dog:wuff Puppy:<wuff> Cat:miau age,name")
      try site.edit("lib/Dog.pm", "'wuff'", "'wuff' x $_[0]->age")
      try server.expectFresh("Dog:wuffwuffwuff Puppy:<wuffwuffwuff> Cat:miau age,name")
      try site.edit("lib/Dog.pm", "default => 3", "default => 1, init_arg => undef")
      try server.expectFresh("Dog:wuff Puppy:<wuff> Cat:miau age,name")
      try site.edit("lib/Dog.pm", "has age => (is => 'ro', default => 1, init_arg => undef); ", "")
      try site.edit("lib/Dog.pm", "'wuff' x $_[0]->age", "'wau'")
      try server.expectFresh("Dog:wau Puppy:<wau> Cat:miau name")
    }
  }

  @Test(.slow) func changedRoleIsComposedAgainInAllItsConsumers() throws {
    let site = try site()
    try site.serve { server in
      try server.expectFresh("Dog:wuff Puppy:<wuff> Cat:miau name")
      try site.edit("lib/Named.pm", "':'", "'!'")
      try server.expectFresh("Dog!wuff Puppy!<wuff> Cat!miau name")
      try site.edit("lib/Named.pm", "requires", "has tail => (is => 'ro', default => 1);\nrequires")
      try server.expectFresh("Dog!wuff Puppy!<wuff> Cat!miau name,tail")
      // What the class has itself wins over the role.
      try site.edit("lib/Dog.pm", "sub sound", "sub describe { 'own' } sub sound")
      try server.expectFresh("own own Cat!miau name,tail")
      try site.edit("lib/Cat.pm", "sub sound { 'miau' }\n", "")
      let report = try server.ask()
      #expect(report.status == 500)
      #expect(report.text.contains("'Named' requires the method 'sound'"), "\(report.text)")
      try site.edit("lib/Cat.pm", "with 'Named';", "sub sound { 'mew' }\nwith 'Named';")
      try server.expectFresh("own own Cat!mew name,tail")
    }
  }

  @Test(.slow) func modifiersRunOnceAfterManyReloads() throws {
    let site = try site()
    try site.edit("lib/Named.pm", "requires 'sound';", "requires 'sound'; before sound => sub { $Named::count++ };")
    try site.write(
      "app.psgi",
      Site.app(
        "do { $Named::count = 0; my $all = join ' ', map { $_->describe } @animals; qq($all $Named::count) }",
        using: "use Dog; use Puppy; use Cat; my @animals = map { $_->new(name => 'x') } qw(Dog Puppy Cat);"))
    try site.serve { server in
      for number in 1...4 {
        try site.edit("lib/Puppy.pm", number == 1 ? "'<'" : "'<\(number - 1)'", "'<\(number)'")
        try server.expectFresh("Dog:wuff Puppy:<\(number)wuff> Cat:miau 3")
      }
      try site.edit("lib/Named.pm", "before sound", "after sound")
      try server.expectFresh("Dog:wuff Puppy:<4wuff> Cat:miau 3")
      try site.edit("lib/Puppy.pm", "around sound => sub { my ($next, $self) = @_; '<4' . $self->$next . '>' };\n", "")
      try server.expectFresh("Dog:wuff Puppy:wuff Cat:miau 3")
    }
  }

  /// Types live in one registry for the whole process; a second definition of a name dies.
  @Test func typesTraitsAndParametersOfARegistryAreDefinedAnew() throws {
    let site = try Site([
      "app.psgi": Site.app("eval { Box->new(size => 7)->size } // 'refused'", using: "use Types; use Box;"),
      "lib/Types.pm": """
      package Types;
      use Moose::Util::TypeConstraints;
      subtype 'Size', as 'Int', where { $_ > 5 };
      coerce 'Size', from 'Str', via { 9 };
      no Moose::Util::TypeConstraints;
      1;
      """,
      "lib/Box.pm": """
      package Box;
      use Moose;
      has size => (is => 'ro', isa => 'Size');
      __PACKAGE__->meta->make_immutable;
      """,
    ])
    try site.serve { server in
      try server.expectFresh("7")
      try site.edit("lib/Types.pm", "> 5", "> 8")
      try server.expectFresh("refused")
      try site.edit("lib/Box.pm", "isa => 'Size'", "isa => 'Size', coerce => 1")
      try server.expectFresh("9")
      try site.edit("lib/Types.pm", "via { 9 }", "via { 10 }")
      try server.expectFresh("10")
    }
  }
}

@Suite(.lane, .enabled(if: Products.perlHas("Moo"), "libmoo-perl is not installed"))
struct MooTests {
  private func site() throws -> Site {
    try Site([
      "app.psgi": Site.app("$made->line . Line->new(to => 5)->line", using: "use Line; my $made = Line->new(to => 3);"),
      "lib/Line.pm": """
      package Line;
      use Moo;
      extends 'Shape';
      with 'Drawn', 'Counted';
      has to => (is => 'ro', required => 1);
      sub line { my $self = shift; $self->mark x $self->to }
      around line => sub { my ($next, $self) = @_; '<' . $self->$next . '>' };
      1;
      """,
      "lib/Shape.pm": "package Shape;\nuse Moo;\nhas width => (is => 'lazy');\nsub _build_width { 1 }\n1;\n",
      "lib/Drawn.pm": "package Drawn;\nuse Moo::Role;\nhas mark => (is => 'ro', default => sub { '-' });\n1;\n",
      "lib/Counted.pm": """
      package Counted;
      use Moo::Role;
      our $built = 0;
      after BUILD => sub { $built++ };
      sub BUILD { }
      1;
      """,
    ])
  }

  @Test func attributesRolesAndModifiersAreNew() throws {
    let site = try site()
    try site.serve { server in
      try server.expectFresh("<---><----->")
      try site.edit("lib/Drawn.pm", "'-'", "'='")
      try server.expectFresh("<===><=====>")
      try site.edit("lib/Line.pm", "has to", "has of => (is => 'rw', default => 2);\nhas to")
      try site.edit("lib/Line.pm", "x $self->to", "x $self->of")
      try server.expectFresh("<==><==>")
      try site.edit("lib/Line.pm", "x $self->of", "x $self->width")
      try server.expectFresh("<=><=>")
      try site.edit("lib/Shape.pm", "{ 1 }", "{ 4 }")
      try server.expectFresh("<====><====>")
      try site.edit("lib/Line.pm", "has of => (is => 'rw', default => 2);\n", "")
      try server.expectFresh("<====><====>")
      #expect(try server.text() == "<====><====>")
    }
  }

  @Test(.slow) func modifiersRunOnceAfterManyReloads() throws {
    let site = try site()
    try site.edit("app.psgi", "my $env = shift;", "my $env = shift; $Counted::built = 0;")
    try site.edit("app.psgi", "->line]", "->line, $Counted::built]")
    try site.serve { server in
      for number in 1...4 {
        try site.edit("lib/Line.pm", "around line", "# \(number)\naround line")
        try server.expectFresh("<---><----->1")
      }
      try site.edit("lib/Counted.pm", "$built++", "$built += 10")
      try server.expectFresh("<---><----->10")
    }
  }
}
