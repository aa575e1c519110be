import Foundation
import Glibc
import Testing

/// What Plack expects of a server.
@Suite(.lane) struct PlackTests {
  /// Plack's own tests of servers, each against an application of its own.
  @Test(arguments: ["", "Lint"], ["development", "production"])
  func everyCaseOfPlacksSuitePasses(middleware: String, environment: String) throws {
    let site = try Site([
      "app.psgi": """
      use Plack::Test::Suite;
      my $app = Plack::Test::Suite->test_app_handler;
      \(middleware.isEmpty ? "$app" : "use Plack::Middleware::\(middleware); Plack::Middleware::\(middleware)->wrap($app)");
      """,
      "client.pl": """
      use Test::More; use Plack::Test::Suite; use Plack::LWPish;
      my ($port) = @ARGV;
      my $ua = Plack::LWPish->new;
      for my $number (0 .. $#Plack::Test::Suite::TEST) {
          my ($name, $test) = @{ $Plack::Test::Suite::TEST[$number] };
          subtest $name => sub {
              $test->(sub {
                  my $request = shift;
                  $request->uri->port($port);
                  $request->header('X-Plack-Test' => $number);
                  return $ua->request($request);
              });
              done_testing();
          };
      }
      done_testing();
      """,
    ])
    try site.serve(ServerOptions(environment: environment, workers: 2)) { server throws in
      let run = try Command.run([Products.perl, "client.pl", "\(server.port)"], directory: site.path)
      #expect(run.end == .code(0), "\(run.output)\(run.errors)\(server)")
      #expect(run.output.contains(/(?m)^1\.\.\d\d$/), "\(run.output)")
    }
  }

  @Test func plackupBecomesNacre() throws {
    let site = try Site([
      "lib/Word.pm": "package Word; sub word { 'one' } 1;", "app.psgi": "use Word; sub { [200, [], [Word::word()]] };",
    ])
    let library = Products.sourceTree + "/perl/lib"
    let options = ServerOptions(
      workers: 1, variables: ["PERL5LIB": library, "NACRE_PROGRAM": Products.nacre],
      command: [try #require(Products.find("plackup")), "-s", "Nacre"])
    try site.serve(options) { server throws in
      #expect(try server.text() == "one", "\(server)")
      try site.write("lib/Word.pm", "package Word; sub word { 'two' } 1;")
      #expect(try server.text() == "two", "\(server)")
    }
  }

  @Test func applicationInMemoryIsRefused() throws {
    let program = "use Plack::Handler::Nacre; Plack::Handler::Nacre->new->run(sub { [200, [], []] })"
    let run = try Command.run(
      [Products.perl, "-I", Products.sourceTree + "/perl/lib", "-e", program],
      environment: ["NACRE_PROGRAM": "/usr/bin/env"])
    #expect(run.end != .code(0))
    let remedy = "Write the application to a file, say app.psgi, and run `/usr/bin/env app.psgi`."
    #expect(run.errors.contains(remedy), "\(run)")
  }
}
