import Testing

/// An application as `mojo generate app My::Site` lays it out, started by the generated script or by a `.psgi` file.
@Suite(.lane, .enabled(if: Products.perlHas("Mojolicious"), "libmojolicious-perl is not installed"))
struct MojoliciousTests {
  private let main = "lib/My/Site.pm"
  private let example = "lib/My/Site/Controller/Example.pm"

  private func site() throws -> Site {
    try Site(
      [
        "script/my_site": """
        #!/usr/bin/env perl
        use strict;
        use warnings;
        use Mojo::File qw(curfile);
        use lib curfile->dirname->sibling('lib')->to_string;
        use Mojolicious::Commands;

        # Start command line interface for application
        Mojolicious::Commands->start_app('My::Site');
        """,
        "my_site.psgi": """
        use lib 'lib';
        use Mojo::Server::PSGI;
        my $server = Mojo::Server::PSGI->new;
        $server->build_app('My::Site');
        $server->to_psgi_app;
        """,
        main: """
        package My::Site;
        use Mojo::Base 'Mojolicious', -signatures;
        sub startup ($self) {
          my $config = $self->plugin('NotYAMLConfig');
          $self->secrets($config->{secrets});
          $self->log->level('fatal');
          $self->plugin('My::Site::Plugin::Shout');
          $self->helper(small => sub ($c, $text) { lc $text });
          my $r = $self->routes;
          $r->get('/')->to('Example#welcome');
          $r->get('/page')->to('Example#page');
          $r->get('/told')->to('Example#told');
        }
        1;
        """,
        example: """
        package My::Site::Controller::Example;
        use Mojo::Base 'Mojolicious::Controller', -signatures;
        sub welcome ($self) { $self->render(text => 'one') }
        sub page ($self) { $self->render(word => 'given') }
        sub told ($self) { $self->render(text => join ' ', $self->config->{colour}, $self->shout('x'), $self->small('Y')) }
        1;
        """,
        "lib/My/Site/Plugin/Shout.pm": """
        package My::Site::Plugin::Shout;
        use Mojo::Base 'Mojolicious::Plugin', -signatures;
        sub register ($self, $app, $config) { $app->helper(shout => sub ($c, $text) { uc $text }) }
        1;
        """,
        "my-site.yml": "---\ncolour: red\nsecrets:\n  - 52c8e1053aaccf9bdf5362bcc87b089d10b2297f\n",
        "templates/layouts/default.html.ep": "(<%= content %>)",
        "templates/example/page.html.ep": "% layout 'default';\npage <%= $word %>",
      ], include: [])
  }

  private func serve(
    _ file: String = "script/my_site", _ body: (Site, Server, (String, String) throws -> Void) throws -> Void
  ) throws {
    var options = ServerOptions.development
    options.application = file
    let site = try site()
    try site.serve(options) { server in
      try body(site, server) { try server.expectFresh($1, at: $0, options: options) }
    }
  }

  @Test(.slow, arguments: ["script/my_site", "my_site.psgi"])
  func routesAndControllersAreChangedAddedAndRemoved(file: String) throws {
    try serve(file) { site, server, expect in
      try expect("/", "one")
      try site.edit(example, "'one'", "'two'")
      try expect("/", "two")
      try site.edit(main, "$r->get('/told')", "$r->get('/other')->to('Other#hello');\n$r->get('/told')")
      #expect(try server.ask("GET", "/other").status == 500)
      try site.write(
        "lib/My/Site/Controller/Other.pm",
        """
        package My::Site::Controller::Other;
        use Mojo::Base 'Mojolicious::Controller', -signatures;
        sub hello ($self) { $self->render(text => 'hello') }
        1;
        """)
      try expect("/other", "hello")
      try site.edit("lib/My/Site/Controller/Other.pm", "'hello'", "'good day'")
      try expect("/other", "good day")
      try site.edit(main, "'/other'", "'/moved'")
      try expect("/moved", "good day")
      #expect(try server.ask("GET", "/other").status == 404)
      try site.remove("lib/My/Site/Controller/Other.pm")
      #expect(try server.ask("GET", "/moved").status == 500)
      try expect("/", "two")
    }
  }

  @Test(.slow) func templatesAndLayoutsAreChangedAndAdded() throws {
    try serve { site, server, expect in
      try expect("/page", "(page given\n)\n")
      try site.write("templates/example/page.html.ep", "% layout 'default';\nPAGE <%= $word %>")
      try expect("/page", "(PAGE given\n)\n")
      try site.write("templates/layouts/default.html.ep", "<<%= content %>>")
      try expect("/page", "<PAGE given\n>\n")
      try site.write("templates/layouts/wide.html.ep", "[<%= content %>]")
      try site.write("templates/example/page.html.ep", "% layout 'wide';\n<%= $word %>")
      try expect("/page", "[given\n]\n")
      try site.edit(example, "sub page ($self) {", "sub page ($self) { return $self->render('new');")
      #expect(try server.ask("GET", "/page").status == 500)
      try site.write("templates/new.html.ep", "new")
      try expect("/page", "new\n")
    }
  }

  @Test(.slow) func configurationHelpersAndPluginsAreNew() throws {
    try serve { site, server, expect in
      try expect("/told", "red X y")
      try site.edit("my-site.yml", "red", "blue")
      try expect("/told", "blue X y")
      // The configuration of one mode is laid over that.
      try site.write("my-site.development.yml", "---\ncolour: green\n")
      try expect("/told", "green X y")
      try site.remove("my-site.development.yml")
      try site.edit("lib/My/Site/Plugin/Shout.pm", "uc $text", "uc($text) . '!'")
      try expect("/told", "blue X! y")
      try site.edit(main, "lc $text", "ucfirst lc $text")
      try expect("/told", "blue X! Y")
    }
  }

  @Test(.slow) func brokenControllerAndTemplateAreReportedAndTheirRepairServes() throws {
    try serve { site, server, expect in
      try expect("/", "one")
      try site.edit(example, "'one')", "'one'")
      let report = try server.ask()
      #expect(report.status == 500)
      #expect(report.text.contains("\(example):3") || report.text.contains("\(example) line 3"), "\(report.text)")
      try site.edit(example, "text => 'one' }", "text => 'two') }")
      try expect("/", "two")
      // A template is compiled when it is first used: its error is Mojolicious's own page.
      try site.write("templates/example/page.html.ep", "<%= $nothing %>")
      #expect(try server.ask("GET", "/page").status == 500)
      try site.write("templates/example/page.html.ep", "<%= $word %>")
      try expect("/page", "given\n")
    }
  }
}

/// `mojo generate lite-app`: everything in one file, templates in its data section.
@Suite(.lane, .enabled(if: Products.perlHas("Mojolicious"), "libmojolicious-perl is not installed"))
struct MojoliciousLiteTests {
  @Test(.slow, arguments: ["lite.pl", "app.psgi"])
  func routesHelpersAndEmbeddedTemplatesAreNew(file: String) throws {
    let site = try Site([
      file: """
      #!/usr/bin/env perl
      use Mojolicious::Lite -signatures;
      app->log->level('fatal');
      helper word => sub ($c) { 'word' };
      get '/' => sub ($c) { $c->render(template => 'index') };
      get '/file' => sub ($c) { $c->render(template => 'file') };
      app->start;
      __DATA__

      @@ index.html.ep
      % layout 'default';
      index <%= word %>
      @@ layouts/default.html.ep
      (<%= content %>)
      """
    ])
    var options = ServerOptions.development
    options.application = file
    try site.serve(options) { server in
      func expect(_ path: String, _ text: String) throws {
        try server.expectFresh(text, at: path, options: options)
      }
      try expect("/", "(index word\n)\n")
      try site.edit(file, "index <%=", "INDEX <%=")
      try expect("/", "(INDEX word\n)\n")
      try site.edit(file, "(<%= content %>)", "<<%= content %>>")
      try expect("/", "<INDEX word\n>\n")
      try site.edit(file, "'word'", "'WORD'")
      try expect("/", "<INDEX WORD\n>\n")
      try site.edit(file, "app->start", "get '/new' => { text => 'new' };\napp->start")
      try expect("/new", "new")
      try site.edit(file, "get '/new' => { text => 'new' };\n", "")
      #expect(try server.ask("GET", "/new").status == 404)
      try site.write("templates/file.html.ep", "from a file")
      try expect("/file", "from a file\n")
      try site.write("templates/file.html.ep", "from a newer file")
      try expect("/file", "from a newer file\n")
    }
  }
}
