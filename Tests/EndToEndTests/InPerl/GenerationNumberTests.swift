import Foundation
import Testing

/// `Nacre->generation`.
@Suite(.lane) struct GenerationNumberTests {
  /// Tells the number in the worker, and what two files saw of it while they loaded.
  private func site() throws -> Site {
    try Site([
      "app.psgi": """
      use Nacre;
      use First; use Second;
      my $load = Nacre->generation;
      sub { [200, [], [join ' ', Nacre->generation, "app $load", "first $First::N", "second $Second::N"]] };
      """,
      "lib/First.pm": "package First; use Nacre; our $N = Nacre->generation; 1;",
      "lib/Second.pm": "package Second; our $N = Nacre->generation; 1;",
      "templates/page.tt": "a",
    ])
  }

  @Test func loadSeesTheNumberThatItsWorkersRun() throws {
    try site().serve { server throws in #expect(try server.text() == "1 app 1 first 1 second 1", "\(server)") }
  }

  @Test func itGrowsWithEachRewindInWhatIsLoadedAgain() throws {
    let site = try site()
    try site.serve { server throws in
      _ = try server.text()
      for generation in 2...4 {
        try site.edit("lib/Second.pm", "1;", "1; ")
        // What First.pm kept is the number of the load that ran it, which is another if it comes before the checkpoint.
        let text = try server.text()
        #expect(text.hasPrefix("\(generation) app \(generation) first "), "\(text)\n\(server)")
        #expect(text.hasSuffix(" second \(generation)"), "\(text)\n\(server)")
      }
    }
  }

  @Test func itGrowsWithARespawn() throws {
    let site = try site()
    try site.serve { server throws in
      #expect(try server.text() == "1 app 1 first 1 second 1")
      try site.write("templates/page.tt", "b")
      #expect(try server.text() == "2 app 1 first 1 second 1", "\(server)")
    }
  }

  @Test func aWorkerThatReplacesAnotherHasTheNumber() throws {
    let site = try site()
    try site.edit("app.psgi", "my $load", "my $x; my $load")
    try site.serve(ServerOptions(workers: 1)) { server throws in
      _ = try server.text()
      try site.edit("lib/Second.pm", "1;", "1; ")
      #expect(try server.text().hasPrefix("2 "))
      for pid in server.workers(of: 2) { kill(pid, SIGKILL) }
      #expect(try server.text().hasPrefix("2 "), "\(server)")
    }
  }

  @Test func aRejectedCandidateLeavesNoGap() throws {
    let site = try site()
    try site.serve { server throws in
      _ = try server.text()
      try site.edit("lib/Second.pm", "1;", "die;")
      #expect(try server.ask().status == 500)
      try site.edit("lib/Second.pm", "die;", "1; ")
      #expect(try server.text().hasPrefix("2 app 2 "), "\(server)")
    }
  }

  @Test func outsideOfTheServerItBeginsWith1AndHooksRunWithTheProcess() throws {
    let site = try Site([:])
    let run = try Command.run([
      Products.perl, "-I", Products.perlLibrary, "-we",
      """
      use Nacre; $| = 1;
      Nacre->on_worker_stop(sub { print "stop 1 " });
      Nacre->on_worker_stop(sub { print "stop 2 "; die "oops" });
      Nacre->on_worker_start(sub { print "start " });
      print Nacre->generation, ' ';
      if (!fork) { exit }
      wait;
      """,
    ])
    #expect(run.output == "start 1 stop 2 stop 1 ")
    #expect(run.errors.hasPrefix("oops at -e"))
    #expect(run.end == .code(0))
    _ = site
  }

  @Test func aSyntaxCheckRunsNoHook() throws {
    let run = try Command.run([
      Products.perl, "-I", Products.perlLibrary, "-wce", "use Nacre; BEGIN { Nacre->on_worker_start(sub { print 1 }) }",
    ])
    #expect(run.output == "")
    #expect(run.end == .code(0))
  }

  @Test func somethingThatIsNoSubIsRefusedAtItsPlace() throws {
    let site = try Site(["app.psgi": "use Nacre;\nNacre->on_worker_start('connect');\nsub { [200, [], []] };"])
    try site.serve { server throws in
      #expect(try server.text().contains("Nacre->on_worker_start takes a code reference at"), "\(server)")
      #expect(server.log.contains("app.psgi:2"), "\(server)")
    }
  }

  @Test func theSynopsisRuns() throws {
    let pod = contents(of: Products.perlLibrary + "/Nacre.pm")
    let behind = try #require(pod.components(separatedBy: "=head1 SYNOPSIS\n").last)
    let synopsis = try #require(behind.components(separatedBy: "=head1").first)
    let site = try Site(["app.psgi": ""])
    try site.write("app.psgi", synopsis.replacingOccurrences(of: "/tmp/", with: site.notes + "/"))
    try site.serve { server throws in
      #expect(try server.text() == "generation 1\n", "\(server)")
      try site.edit("app.psgi", "\"\\n\"", "\"!\\n\"")
      #expect(try server.text() == "generation 2!\n", "\(server)")
    }
    #expect(contents(of: site.notes + "/nacre-example.log").contains("served /\n"))
  }
}
