import Testing

/// An application as `catalyst.pl MyApp` lays it out, with a view, a model and a plugin as people add them.
@Suite(
  .lane,
  .enabled(
    if: Products.perlHas("Catalyst", "Catalyst::Plugin::ConfigLoader", "Catalyst::View::TT", "Config::General"),
    "libcatalyst-perl, libcatalyst-modules-perl or libcatalyst-view-tt-perl is not installed"))
struct CatalystTests {
  private let root = "lib/MyApp/Controller/Root.pm"

  private func site() throws -> Site {
    try Site([
      "Makefile.PL": "",
      "myapp.psgi": """
      use strict;
      use warnings;
      use MyApp;

      my $app = MyApp->apply_default_middlewares(MyApp->psgi_app);
      $app;
      """,
      "myapp.conf": "name MyApp\ngreeting hello\n",
      "lib/MyApp.pm": """
      package MyApp;
      use Moose;
      use namespace::autoclean;
      use Catalyst::Runtime 5.80;
      use Catalyst qw/
          ConfigLoader
          Static::Simple
          +MyApp::Plugin::Polite
      /;
      extends 'Catalyst';
      our $VERSION = '0.01';
      __PACKAGE__->config(
          name => 'MyApp', disable_component_resolution_regex_fallback => 1, enable_catalyst_header => 1,
          encoding => 'UTF-8', default_view => 'TT',
      );
      __PACKAGE__->setup();
      1;
      """,
      "lib/MyApp/Plugin/Polite.pm": "package MyApp::Plugin::Polite;\nuse Moose::Role;\nsub please { 'please' }\n1;\n",
      root: """
      package MyApp::Controller::Root;
      use Moose;
      use namespace::autoclean;
      BEGIN { extends 'Catalyst::Controller' }
      __PACKAGE__->config(namespace => '');
      sub index :Path :Args(0) { $_[1]->response->body('one') }
      sub page :Local { my ($self, $c) = @_; $c->stash(word => 'stashed', template => 'page.tt') }
      sub told :Local { my ($self, $c) = @_; $c->response->body(join ' ', $c->config->{greeting}, $c->please) }
      sub stock :Local { my ($self, $c) = @_; $c->response->body($c->model('Stock')->count) }
      sub default :Path { my ($self, $c) = @_; $c->response->body('Page not found'); $c->response->status(404) }
      sub end : ActionClass('RenderView') {}
      __PACKAGE__->meta->make_immutable;
      1;
      """,
      "lib/MyApp/View/TT.pm": """
      package MyApp::View::TT;
      use Moose;
      use namespace::autoclean;
      extends 'Catalyst::View::TT';
      __PACKAGE__->config(TEMPLATE_EXTENSION => '.tt', render_die => 1, WRAPPER => 'wrapper.tt');
      1;
      """,
      "lib/MyApp/Model/Stock.pm": """
      package MyApp::Model::Stock;
      use Moose;
      extends 'Catalyst::Model';
      has count => (is => 'ro', default => 12);
      __PACKAGE__->meta->make_immutable;
      1;
      """,
      "root/page.tt": "page [% word %]", "root/wrapper.tt": "([% content %])",
      "root/static/site.css": "a { color: red }",
    ])
  }

  private let options: ServerOptions = {
    var options = ServerOptions.development
    options.application = "myapp.psgi"
    return options
  }()

  private func serve(_ body: (Site, Server, (String, String) throws -> Void) throws -> Void) throws {
    let site = try site()
    try site.serve(options) { server in
      try body(site, server) { try server.expectFresh($1, at: $0, options: options) }
    }
  }

  @Test(.slow) func actionsAreChangedAddedAndRemoved() throws {
    try serve { site, server, expect in
      try expect("/", "one")
      try site.edit(root, "'one'", "'two'")
      try expect("/", "two")
      try expect("/hello", "Page not found")
      try site.edit(root, "sub default", "sub hello :Local { $_[1]->response->body('hello') }\nsub default")
      try expect("/hello", "hello")
      try site.edit(root, "hello :Local", "hello :Path('bonjour') :Args(1)")
      try expect("/bonjour/x", "hello")
      try expect("/hello", "Page not found")
      try site.edit(root, "sub hello :Path('bonjour') :Args(1) { $_[1]->response->body('hello') }\n", "")
      try expect("/bonjour/x", "Page not found")
    }
  }

  @Test(.slow) func controllerFilesComeAndGo() throws {
    try serve { site, server, expect in
      try expect("/item", "Page not found")
      try site.write(
        "lib/MyApp/Controller/Item.pm",
        """
        package MyApp::Controller::Item;
        use Moose;
        BEGIN { extends 'Catalyst::Controller' }
        sub index :Path :Args(0) { $_[1]->response->body('item') }
        1;
        """)
      try expect("/item", "item")
      try site.rename("lib/MyApp/Controller/Item.pm", to: "lib/MyApp/Controller/Thing.pm")
      try site.edit("lib/MyApp/Controller/Thing.pm", "Controller::Item", "Controller::Thing")
      try expect("/thing", "item")
      try expect("/item", "Page not found")
      try site.remove("lib/MyApp/Controller/Thing.pm")
      try expect("/thing", "Page not found")
    }
  }

  @Test(.slow) func templatesAndStaticFilesAreNew() throws {
    try serve { site, server, expect in
      try expect("/page", "(page stashed)")
      try site.write("root/page.tt", "PAGE [% word %]")
      try expect("/page", "(PAGE stashed)")
      try site.write("root/wrapper.tt", "<[% content %]>")
      try expect("/page", "<PAGE stashed>")
      try site.edit("lib/MyApp/View/TT.pm", ", WRAPPER => 'wrapper.tt'", "")
      try expect("/page", "PAGE stashed")
      #expect(try server.text("/static/site.css") == "a { color: red }")
      try site.write("root/static/site.css", "a { color: blue }")
      #expect(try server.text("/static/site.css") == "a { color: blue }")
    }
  }

  @Test(.slow) func configurationPluginAndModelAreNew() throws {
    try serve { site, server, expect in
      try expect("/told", "hello please")
      try site.edit("myapp.conf", "hello", "good day")
      try expect("/told", "good day please")
      try site.write("myapp_local.conf", "greeting here")
      try expect("/told", "here please")
      try site.remove("myapp_local.conf")
      try expect("/told", "good day please")
      try site.edit("lib/MyApp/Plugin/Polite.pm", "'please'", "'if you please'")
      try expect("/told", "good day if you please")
      try site.edit("lib/MyApp/Model/Stock.pm", "12", "13")
      try expect("/stock", "13")
      try site.edit("lib/MyApp.pm", "ConfigLoader\n", "")
      #expect(try server.text("/told") == " if you please")
    }
  }

  @Test(.slow) func brokenControllerIsReportedAndItsRepairServes() throws {
    try serve { site, server, expect in
      try expect("/", "one")
      try site.edit(root, "body('one')", "body('one'")
      let report = try server.ask()
      #expect(report.status == 500)
      #expect(report.text.contains("\(root):6") || report.text.contains("\(root) line 6"), "\(report.text)")
      #expect(report.text.contains("syntax error"), "\(report.text)")
      try site.edit(root, "body('one'", "body('two')")
      try expect("/", "two")
      // What Catalyst finds out only when it puts the application together.
      try site.edit(root, "ActionClass('RenderView')", "ActionClass('NoSuchClass')")
      #expect(try server.text().contains("NoSuchClass"))
      try site.edit(root, "ActionClass('NoSuchClass')", "ActionClass('RenderView')")
      try expect("/", "two")
    }
  }
}
