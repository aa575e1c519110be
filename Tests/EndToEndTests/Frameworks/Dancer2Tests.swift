import Testing

/// An application as `dancer2 gen -a My::Web` lays it out.
@Suite(
  .lane,
  .enabled(
    if: Products.perlHas("Dancer2", "Template", "YAML", "Plack::Builder"), "libdancer2-perl is not installed"))
struct Dancer2Tests {
  private let web = "lib/My/Web.pm"

  private func site() throws -> Site {
    try Site(
      [
        "bin/app.psgi": """
        #!/usr/bin/perl
        use strict;
        use warnings;
        use FindBin;
        use lib "$FindBin::Bin/../lib";
        use My::Web;
        use My::Admin;
        use Plack::Builder;
        builder {
            mount '/admin' => My::Admin->to_app;
            mount '/'      => My::Web->to_app;
        }
        """,
        "config.yml": """
        appname: "My::Web"
        layout: "main"
        charset: "UTF-8"
        template: "template_toolkit"
        colour: "red"
        """,
        "environments/development.yml": "logger: \"null\"\nstartup_info: 0\nplace: \"desk\"\n",
        web: """
        package My::Web;
        use Dancer2;
        our $VERSION = '0.1';
        hook before => sub { var turns => (vars->{turns} // 0) + 1 };
        get '/' => sub { 'one' };
        get '/turns' => sub { vars->{turns} };
        get '/page' => sub { template 'page', { word => 'given' } };
        get '/told' => sub { join ' ', config->{colour}, config->{place} };
        true;
        """,
        "lib/My/Admin.pm": """
        package My::Admin;
        use Dancer2 appname => 'My::Admin';
        get '/' => sub { 'admin' };
        true;
        """,
        "views/page.tt": "page [% word %]", "views/layouts/main.tt": "([% content %])",
      ], include: [])
  }

  private let options: ServerOptions = {
    var options = ServerOptions.development
    options.application = "bin/app.psgi"
    return options
  }()

  private func serve(_ body: (Site, Server, (String, String) throws -> Void) throws -> Void) throws {
    let site = try site()
    try site.serve(options) { server in
      try body(site, server) { try server.expectFresh($1, at: $0, options: options) }
    }
  }

  @Test func routesAreChangedAddedAndRemoved() throws {
    try serve { site, server, expect in
      try expect("/", "one")
      try site.edit(web, "'one'", "'two'")
      try expect("/", "two")
      #expect(try server.ask("GET", "/hello").status == 404)
      try site.edit(web, "get '/turns'", "get '/hello' => sub { 'hello' };\nget '/turns'")
      try expect("/hello", "hello")
      try site.edit(web, "get '/hello' => sub { 'hello' }", "get '/hello/:name' => sub { route_parameters->{name} }")
      try expect("/hello/ann", "ann")
      #expect(try server.ask("GET", "/hello").status == 404)
      try site.edit(web, "get '/hello/:name'", "post '/hello/:name'")
      #expect(try server.ask("GET", "/hello/ann").status == 404)
      #expect(try server.ask("POST", "/hello/ann").text == "ann")
    }
  }

  @Test(.slow) func hooksRunOnceHoweverOftenTheyWereLoaded() throws {
    try serve { site, server, expect in
      for number in 1...3 {
        try site.edit(web, "true;", "# \(number)\ntrue;")
        try expect("/turns", "1")
      }
      try site.edit(web, "get '/turns'", "hook before => sub { var turns => vars->{turns} * 10 };\nget '/turns'")
      try expect("/turns", "10")
      try site.edit(web, "hook before => sub { var turns => vars->{turns} * 10 };\n", "")
      try expect("/turns", "1")
    }
  }

  @Test(.slow) func templatesAndLayoutsAreNew() throws {
    try serve { site, server, expect in
      try expect("/page", "(page given)")
      try site.write("views/page.tt", "PAGE [% word %]")
      try expect("/page", "(PAGE given)")
      try site.write("views/layouts/main.tt", "<[% content %]>")
      try expect("/page", "<PAGE given>")
      try site.edit(web, "template 'page'", "template 'other'")
      try site.write("views/other.tt", "other [% word %]")
      try expect("/page", "<other given>")
    }
  }

  @Test(.slow) func configurationAndTheSecondApplicationAreNew() throws {
    try serve { site, server, expect in
      try expect("/told", "red desk")
      try site.edit("config.yml", "\"red\"", "\"blue\"")
      try expect("/told", "blue desk")
      try site.edit("environments/development.yml", "desk", "chair")
      try expect("/told", "blue chair")
      try site.write("config_local.yml", "colour: \"green\"\n")
      try expect("/told", "green chair")
      try site.remove("config_local.yml")
      try expect("/told", "blue chair")
      try expect("/admin/", "admin")
      try site.edit("lib/My/Admin.pm", "'admin'", "'mistress'")
      try expect("/admin/", "mistress")
      try site.edit("bin/app.psgi", "'/admin'", "'/office'")
      try expect("/office/", "mistress")
    }
  }

  @Test func brokenPackageIsReportedAndItsRepairServes() throws {
    try serve { site, server, expect in
      try expect("/", "one")
      try site.edit(web, "sub { 'one' }", "sub { 'one' ")
      let report = try server.ask()
      #expect(report.status == 500)
      #expect(report.text.contains("My/Web.pm"), "\(report.text)")
      try site.edit(web, "sub { 'one' ", "sub { 'two' }")
      try expect("/", "two")
    }
  }
}
