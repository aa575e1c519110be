import Foundation
import Testing

/// A form that is sent to an application of each framework: the answer is by the module as it stands on disk.
@Suite(.lane) struct FormTests {
  /// How an application of a framework answers a form with the field `name`.
  struct Framework: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var files: [String: String]
    var modules: [String]
  }

  static let frameworks = [
    Framework(
      testDescription: "Catalyst",
      files: [
        "app.psgi": "use Guests; Guests->apply_default_middlewares(Guests->psgi_app);",
        "lib/Guests.pm": """
        package Guests;
        use Moose; use Catalyst; extends 'Catalyst';
        __PACKAGE__->config(name => 'Guests', disable_component_resolution_regex_fallback => 1);
        __PACKAGE__->setup;
        1;
        """,
        "lib/Guests/Controller/Root.pm": """
        package Guests::Controller::Root;
        use Moose; use Greeting; BEGIN { extends 'Catalyst::Controller' }
        __PACKAGE__->config(namespace => '');
        sub index :Path :Args(0) {
          my ($self, $c) = @_;
          $c->response->content_type('text/plain');
          $c->response->body(greeting($c->request->body_parameters->{name}));
        }
        __PACKAGE__->meta->make_immutable;
        """,
      ], modules: ["Catalyst"]),
    Framework(
      testDescription: "Dancer2",
      files: [
        "app.psgi": "use Guests; Guests->to_app;",
        "lib/Guests.pm": """
        package Guests;
        use Dancer2; use Greeting;
        set content_type => 'text/plain';
        post '/' => sub { greeting(body_parameters->get('name')) };
        1;
        """,
      ], modules: ["Dancer2"]),
    Framework(
      testDescription: "Mojolicious",
      files: [
        "app.psgi": """
        use Mojolicious::Lite -signatures; use Greeting;
        post '/' => sub ($c) { $c->render(text => greeting($c->req->body_params->param('name')), format => 'txt') };
        app->start;
        """
      ], modules: ["Mojolicious"]),
    Framework(
      testDescription: "CGI scripts",
      files: [
        "app.psgi": "use Plack::App::CGIBin; Plack::App::CGIBin->new(root => 'cgi-bin')->to_app;",
        "cgi-bin/index.cgi": """
        #!/usr/bin/perl
        use CGI; use Greeting;
        my $query = CGI->new;
        print $query->header('text/plain'), greeting(scalar $query->param('name'));
        """,
      ], modules: ["CGI", "CGI::Compile", "CGI::Emulate::PSGI"]),
  ].filter { Products.perlHas($0.modules) }

  private static let greeting = """
    package Greeting;
    use Exporter 'import'; our @EXPORT = 'greeting';
    sub greeting { my ($name) = @_; return "Hello, $name!" }
    1;
    """

  @Test func allFrameworksAreHere() {
    #expect(Self.frameworks.count == 4, "run make test: it installs what is missing")
  }

  @Test(arguments: frameworks) func theAnswerToAFormIsByTheModuleThatWasEdited(framework: Framework) throws {
    let site = try Site(framework.files.merging(["lib/Greeting.pm": Self.greeting]) { $1 })
    let path = framework.files.keys.contains("cgi-bin/index.cgi") ? "/index.cgi" : "/"
    try site.serve { server in
      func expect(_ text: String) throws {
        // More often than there are workers.
        for _ in 0..<4 {
          let answer = try server.ask(
            "POST", path, headers: ["Content-Type: application/x-www-form-urlencoded"],
            body: Array("name=Ann+O%27Yster&wish=pearls".utf8))
          #expect(answer.status == 200 && answer.text == text, "\(answer.text)\n\(server)")
        }
      }
      try expect("Hello, Ann O'Yster!")
      try site.edit("lib/Greeting.pm", "Hello,", "Good day,")
      try expect("Good day, Ann O'Yster!")
      try site.replace("lib/Greeting.pm", Self.greeting.replacing("Hello, $name!", with: "Welcome $name."))
      try expect("Welcome Ann O'Yster.")
    }
  }
}
