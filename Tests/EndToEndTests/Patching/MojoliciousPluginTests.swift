import Foundation
import Testing

/// The Mojolicious plugin, in Mojolicious' own servers.
@Suite(.lane, .enabled(if: Products.perlHas("Mojolicious"), "Mojolicious is not installed"))
struct MojoliciousPluginTests {
  private static func script(_ version: Int) -> String {
    """
    #!/usr/bin/env perl
    use Nacre; use Mojolicious::Lite; use My::Model;
    plugin 'Nacre', { escalate => $ENV{ESCALATE} };
    app->log->level('warn');
    app->config(hypnotoad => { listen => ["http://127.0.0.1:$ENV{LISTEN}"], workers => 2, pid_file => "$ENV{NOTES}/pid" });
    get '/' => sub { my $c = shift; $c->render( text => 'route\(version) ' . My::Model->text ) };
    app->start;
    """
  }

  private static func model(_ version: Int) -> String {
    "package My::Model; use Mojo::Base -base; sub text { 'model\(version)' } 1;"
  }

  private func run(_ escalate: String, _ command: [String], _ body: (Site, HostServer) throws -> Void) throws {
    let site = try Site(["lib/My/Model.pm": Self.model(1), "app.pl": Self.script(1)])
    let variables = [
      "ESCALATE": escalate, "NOTES": site.notes, "PERL5LIB": Products.sourceTree + "/perl/lib:" + site.path + "/lib",
      "LISTEN": "PORT", "MOJO_MODE": "production",
    ]
    try HostServer.run(site, command, environment: variables) { try body(site, $0) }
  }

  @Test func theDaemonIsOnTheNewestCodeAtItsNextRequest() throws {
    try run("none", [Products.perl, "app.pl", "daemon", "-l", "http://127.0.0.1:PORT"]) { site, server in
      #expect(try server.answers(1) == ["route1 model1"])
      try site.write("lib/My/Model.pm", Self.model(2))
      #expect(try server.answers(1) == ["route1 model2"])
      try site.write("lib/My/Model.pm", "package My::Model; sub text { 'model3' 1;")
      #expect(try server.answers(1) == ["route1 model2"])
      #expect(server.errors.contains("Nacre: the old code runs on: "), "\(server.errors)")
      try site.write("lib/My/Model.pm", Self.model(4))
      #expect(try server.answers(1) == ["route1 model4"])
    }
  }

  @Test func hypnotoadsManagerIsAskedForNewWorkersWhereAChangeIsRefused() throws {
    let hypnotoad = [Products.perl, Products.find("hypnotoad") ?? "/usr/bin/hypnotoad", "-f", "app.pl"]
    try run("graceful", hypnotoad) { site, server in
      #expect(try server.answers(6) == ["route1 model1"])
      try site.write("lib/My/Model.pm", Self.model(2))
      #expect(try server.answers(10) == ["route1 model2"], "\(server.errors)")
      // The routes of an application: refused, and the manager loads everything anew.
      try site.write("app.pl", Self.script(3))
      #expect(try eventually { try server.answers(6) == ["route3 model2"] }, "\(server.errors)")
    }
  }
}
