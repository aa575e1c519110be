import Glibc
import Testing

/// CGI scripts that run inside the server: CGI::Compile, CGI::Emulate::PSGI, and Plack's wrappers around them.
@Suite(.lane) struct CGITests {
  /// The module of the seeds' example, which a registry script imports.
  private let utils = """
    package My::Utils;
    use base qw(Exporter);
    @EXPORT = qw(colour);
    sub colour { "white" }
    1;
    """
  /// The script of the seeds' example: under Apache::Registry `int` stays with the old code and `ext` does not.
  private let script = """
    #!/usr/bin/perl
    use My::Utils;
    print "Content-type: text/plain\\n\\n";
    my $sub_int = \\&colour;
    my $sub_ext = \\&My::Utils::colour;
    print "the color is " . colour() . ", int and ext are " . ($sub_int == $sub_ext ? "one" : "two");
    """

  @Test func scriptCompiledAtLoadSeesTheColourThatItImports() throws {
    let site = try Site([
      "app.psgi": """
      use CGI::Compile; use CGI::Emulate::PSGI;
      CGI::Emulate::PSGI->handler(CGI::Compile->compile('cgi-bin/test.pl'));
      """,
      "cgi-bin/test.pl": script, "lib/My/Utils.pm": utils,
    ])
    try site.serve { server in
      try server.expectFresh("the color is white, int and ext are one")
      for colour in ["red", "blue"] {
        try site.write("lib/My/Utils.pm", utils.replacing("white", with: colour))
        try server.expectFresh("the color is \(colour), int and ext are one")
      }
      try site.edit("cgi-bin/test.pl", "the color", "The colour")
      try server.expectFresh("The colour is blue, int and ext are one")
      try site.write("cgi-bin/test.pl", script.replacing("colour() .", with: "colour( ."))
      let report = try server.ask()
      #expect(report.status == 500 && report.text.contains("cgi-bin/test.pl line 6"), "\(report.text)\n\(server)")
      try site.write("cgi-bin/test.pl", script)
      try server.expectFresh("the color is blue, int and ext are one")
    }
  }

  @Test(.slow) func scriptsOfADirectoryAreCompiledAnewInTheWorkers() throws {
    let site = try Site([
      "app.psgi": "use Plack::App::CGIBin; Plack::App::CGIBin->new(root => 'cgi-bin')->to_app;",
      "cgi-bin/test.pl": script, "cgi-bin/report": script, "lib/My/Utils.pm": utils,
    ])
    try site.serve { server in
      // Each worker compiles for itself, and removes the file that CGI::Compile compiles from: nothing may come of it.
      for _ in 0..<6 {
        try server.expectFresh("the color is white, int and ext are one", at: "/test.pl")
        try server.expectFresh("the color is white, int and ext are one", at: "/report")
      }
      #expect(!server.log.contains("generation 2"), "\(server)")
      try site.edit("lib/My/Utils.pm", "white", "red")
      for path in ["/test.pl", "/report"] {
        for _ in 0..<4 { try server.expectFresh("the color is red, int and ext are one", at: path) }
        try site.edit("cgi-bin" + path, "the color", "The colour")
        for _ in 0..<4 { try server.expectFresh("The colour is red, int and ext are one", at: path) }
      }
      try site.write("cgi-bin/test.pl", script + "\n}")
      #expect(try server.ask("GET", "/test.pl").status == 500, "\(server)")
      try site.write("cgi-bin/test.pl", script)
      for _ in 0..<4 { try server.expectFresh("the color is red, int and ext are one", at: "/test.pl") }
    }
  }

  @Test func scriptsThatComeAndGoAreServedAndNot() throws {
    let site = try Site([
      "app.psgi": "use Plack::App::CGIBin; Plack::App::CGIBin->new(root => 'cgi-bin')->to_app;",
      "cgi-bin/test.pl": script, "lib/My/Utils.pm": utils,
    ])
    try site.serve { server in
      #expect(try server.ask("GET", "/new.pl").status == 404, "\(server)")
      try site.write("cgi-bin/new.pl", script.replacing("the color", with: "new"))
      for _ in 0..<4 { try server.expectFresh("new is white, int and ext are one", at: "/new.pl") }
      try site.remove("cgi-bin/new.pl")
      #expect(try server.ask("GET", "/new.pl").status == 404, "\(server)")
      try site.write("cgi-bin/new.pl", script.replacing("the color", with: "newer"))
      for _ in 0..<4 { try server.expectFresh("newer is white, int and ext are one", at: "/new.pl") }
      // A script in another language is started in each request.
      try site.write("cgi-bin/shell", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nshell'\n")
      chmod(site.absolute("cgi-bin/shell"), 0o755)
      #expect(try server.text("/shell") == "shell", "\(server)")
      try site.edit("cgi-bin/shell", "nshell", "nSHELL")
      #expect(try server.text("/shell") == "SHELL", "\(server)")
    }
  }

  /// Compiled at load, or by each worker in its first request. One application with both would share CGI::Compile's
  /// temporary directory between the workers, and each that leaves removes it.
  @Test(arguments: [true, false]) func scriptOutsideOfTheApplicationIsFollowedToo(compiledAtLoad isEarly: Bool) throws {
    let compile = "$app ||= Plack::App::WrapCGI->new(script => \"$FindBin::Bin/../cgi/script\")->to_app;"
    let site = try Site([
      "app.psgi": """
      use Plack::App::WrapCGI; use FindBin;
      my $app; \(isEarly ? compile : "")
      sub { \(compile) $app->(@_) }
      """,
      "../cgi/script": script, "lib/My/Utils.pm": utils,
    ])
    try site.serve { server in
      for _ in 0..<4 { try server.expectFresh("the color is white, int and ext are one") }
      try site.edit("../cgi/script", "the color", "The colour")
      for _ in 0..<4 { try server.expectFresh("The colour is white, int and ext are one") }
      #expect(server.log.contains(isEarly ? "rewind" : "respawn"), "\(server)")
    }
  }
}
