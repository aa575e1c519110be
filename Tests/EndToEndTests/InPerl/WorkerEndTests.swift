import Foundation
import Glibc
import Testing

/// What a worker that leaves still does.
@Suite(.lane) struct WorkerEndTests {
  private func site() throws -> Site {
    let site = try Site([:], include: ["lib"])
    try site.write(
      "lib/Thing.pm",
      "package Thing; \(site.noteSub) sub new { bless {}, shift } sub DESTROY { note('destroy') if $main::served } 1;")
    try site.write(
      "app.psgi",
      """
      use Thing; our $thing = Thing->new; my $closed = Thing->new;
      open our $log, '>>', '\(site.notes)/log' or die;
      END { Thing::note('end') if $main::served; print {$log} "end\\n" if $main::served }
      sub { $main::served = 1; print {$log} "request\\n"; print "out\\n"; [200, [], ["$closed" && 'ok']] };
      """)
    return site
  }

  private func run(_ site: Site, _ arguments: [String]) throws {
    try site.serve(ServerOptions(workers: 1, arguments: arguments)) { server throws in
      #expect(try server.text() == "ok", "\(server)")
      #expect(try server.text() == "ok", "\(server)")
    }
    // What was printed and not flushed is not lost.
    #expect(contents(of: site.notes + "/log") == "request\nrequest\nend\n")
    #expect(contents(of: site.notes + "/output") == "out\nout\n")
  }

  @Test func objectsThatAreAliveAreNotDestroyed() throws {
    let site = try site()
    try run(site, [])
    #expect(site.noted == ["end"])
  }

  @Test func withDestructTheyAreAfterTheEndBlocks() throws {
    let site = try site()
    try run(site, ["--destruct"])
    #expect(site.noted == ["end", "destroy", "destroy"])
  }

  @Test func withDestructAReloadDestroysTheOldGenerationsObjects() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1, arguments: ["--destruct"])) { server throws in
      #expect(try server.text() == "ok", "\(server)")
      try site.edit("app.psgi", "'ok'", "'new'")
      #expect(try server.text() == "new", "\(server)")
      #expect(eventually { site.noted == ["end", "destroy", "destroy"] }, "\(site.noted)\n\(server)")
    }
  }

  @Test func anExitInARequestIsFollowedByTheEndBlocksOnce() throws {
    let site = try site()
    try site.edit("app.psgi", "$main::served = 1;", "$main::served = 1; exit 3 if $_[0]{PATH_INFO} eq '/exit';")
    try site.serve(ServerOptions(workers: 1)) { server throws in
      #expect(try server.ask("GET", "/exit").status == 502, "\(server)")
      #expect(eventually { site.noted == ["end"] }, "\(site.noted)\n\(server)")
      #expect(server.logs("status 3"), "\(server)")
    }
  }
}
