import Foundation
import Glibc
import Testing

/// Start and stop hooks that fail.
@Suite(.lane) struct HookFailureTests {
  /// An application that registers a start hook in line 4 of `lib/DB.pm` with this code.
  private func site(_ code: String = "1") throws -> Site {
    let site = try Site([:], include: ["lib"])
    try site.write("lib/DB.pm", source(code))
    try site.write("app.psgi", "use DB; use Answer; sub { [200, [], [Answer::text()]] };")
    try site.write("lib/Answer.pm", "package Answer; sub text { 'one' } 1;")
    return site
  }

  private func source(_ code: String) -> String {
    """
    package DB_;
    use Nacre;
    Nacre->on_worker_start(sub {
      \(code);
    });
    1;
    """
  }

  @Test(
    arguments: [
      ("die 'no database'", "died", 4), ("exit 3", "called exit(3)", 4),
      ("kill SEGV => $$", "was ended by signal 11 (SIGSEGV)", 4), ("1 while 1", "was still running after 1 second", 4),
      ("require POSIX; POSIX::_exit(5)", "called exit(5)", 4),
      (#"die "no place\n""#, "died", 4), ("require Broken", "died", 0),
    ]) func aStartHookThatFailsRejectsTheGenerationAndIsNamed(code: String, how: String, line: Int) throws
  {
    let site = try site()
    try site.write("lib/Broken.pm", "package Broken; }")
    let options = ServerOptions(arguments: ["--load-timeout", "1"])
    try site.serve(options) { server throws in
      #expect(try server.text() == "one", "\(server)")
      try site.write("lib/DB.pm", source(code))
      let answer = try server.ask()
      #expect(answer.status == 500)
      let headline = "A worker could not start: its start hook of \(site.absolute("lib/DB.pm")):4 \(how)."
      #expect(answer.text.contains(headline), "\(answer.text)\n\(server)")
      if line > 0 { #expect(answer.text.contains("at \(site.absolute("lib/DB.pm")):\(line)"), "\(answer.text)") }
      #expect(server.log.contains("generation 2 rejected. " + headline), "\(server)")
      // Put right.
      try site.write("lib/DB.pm", source("2"))
      #expect(try server.text() == "one", "\(server)")
    }
  }

  @Test func inProductionTheGenerationBeforeGoesOn() throws {
    let site = try site()
    try site.serve(.production) { server throws in
      #expect(try server.text() == "one", "\(server)")
      try site.write("lib/DB.pm", source("die 'no database'"))
      try site.write("lib/Answer.pm", "package Answer; sub text { 'two' } 1;")
      #expect(server.logs("generation 2 rejected. A worker could not start"), "\(server)")
      #expect(try server.text() == "one", "\(server)")
      try site.write("lib/DB.pm", source("2"))
      #expect(eventually { (try? server.text()) == "two" }, "\(server)")
    }
  }

  @Test func aFirstStartThatFailsIsReportedAndWaitsForASave() throws {
    let site = try site("die 'no database'")
    try site.serve { server throws in
      #expect(try server.text().contains("no database at"), "\(server)")
      try site.write("lib/DB.pm", source("1"))
      #expect(try server.text() == "one", "\(server)")
    }
  }

  @Test func inProductionAFirstStartThatFailsIsTheEnd() throws {
    let site = try site("die 'no database'")
    let run = try Command.run(
      [Products.nacre, "-E", "production", "-p", "0", "--perl", Products.perl, "-I", "lib", "app.psgi"],
      directory: site.path)
    #expect(run.end == .code(1), "\(run)")
    #expect(run.errors.contains("A worker could not start"), "\(run)")
  }

  @Test func whatAFailedHookLoadedIsTriedAgainWhenItIsSaved() throws {
    let site = try site("require Lazy")
    try site.write("lib/Lazy.pm", "package Lazy; 1;")
    try site.serve { server throws in
      #expect(try server.text() == "one", "\(server)")
      try site.write("lib/Lazy.pm", "package Lazy; }")
      #expect(try server.ask().status == 500, "\(server)")
      try site.write("lib/Lazy.pm", "package Lazy; 2;")
      #expect(try server.text() == "one", "\(server)")
      try site.write("lib/Lazy.pm", "package Lazy; }}")
      #expect(try server.ask().status == 500, "\(server)")
      // As it was when the running generation loaded it.
      try site.write("lib/Lazy.pm", "package Lazy; 2;")
      #expect(try server.text() == "one", "\(server)")
    }
  }

  @Test func aRespawnWhoseHooksFailIsTriedAgainAtTheNextSave() throws {
    let site = try site("open my $f, '<', 'templates/good.tt' or die 'no template'")
    try site.write("templates/good.tt", "a")
    try site.serve { server throws in
      #expect(try server.text() == "one", "\(server)")
      try site.rename("templates/good.tt", to: "templates/bad.tt")
      #expect(try server.text().contains("no template"), "\(server)")
      try site.rename("templates/bad.tt", to: "templates/good.tt")
      #expect(try server.text() == "one", "\(server)")
    }
  }

  @Test func aReloadOnDemandTriesAHookAgain() throws {
    let site = try site("-e '/nonexistent' or -e $ENV{SWITCH} or die 'no database'")
    let options = ServerOptions(variables: ["SWITCH": site.notes + "/up"])
    try site.serve(options) { server throws in
      #expect(try server.text().contains("no database"), "\(server)")
      try site.write(site.notes + "/up", "")
      server.process.send(SIGHUP)
      #expect(eventually { (try? server.text()) == "one" }, "\(server)")
    }
  }

  @Test func aHookThatFailsInAReplacementIsLoggedAndTriedAgainWhileOthersServe() throws {
    let site = try site("-e \"$ENV{SWITCH}\" and die 'the database is down'")
    let (down, options) = (site.notes + "/down", ServerOptions(workers: 2, variables: ["SWITCH": site.notes + "/down"]))
    try site.serve(options) { server throws in
      #expect(try server.text() == "one", "\(server)")
      let workers = server.workers(of: 1)
      try site.write(down, "")
      kill(try #require(workers.first), SIGKILL)
      let place = site.absolute("lib/DB.pm") + ":4"
      #expect(server.logs("A worker could not start: its start hook of \(place) died."), "\(server)")
      #expect(server.logs("the next one is forked in 1 s"), "\(server)")
      for _ in 0..<10 { #expect(try server.text() == "one", "\(server)") }
      #expect(server.workers(of: 1) == Array(workers.dropFirst()), "\(server)")
      try site.remove(down)
      #expect(eventually { server.workers(of: 1).count == 2 }, "\(server)")
      #expect(!server.log.contains("rejected"), "\(server)")
      // Said once for all attempts in a row.
      #expect(server.log.components(separatedBy: "could not start: its start hook").count == 2, "\(server)")
    }
  }

  @Test func anEndlessHookIsGivenUpWhenItsFileIsSaved() throws {
    let site = try site()
    try site.serve { server throws in
      #expect(try server.text() == "one", "\(server)")
      try site.write("lib/DB.pm", source("open my $f, '>', '\(site.notes)/looping'; 1 while 1"))
      let connection = try server.connect()
      try connection.request()
      #expect(eventually { FileManager.default.fileExists(atPath: site.notes + "/looping") }, "\(server)")
      try site.write("lib/DB.pm", source("3"))
      #expect(try connection.response().text == "one", "\(server)")
    }
  }

  @Test func aStopHookThatFailsIsLoggedAndKeepsNoOtherFromRunning() throws {
    let site = try site()
    try site.write(
      "lib/DB.pm",
      """
      package DB_; use Nacre; \(site.noteSub)
      Nacre->on_worker_stop(sub { note('first') });
      Nacre->on_worker_stop(sub { die { code => 1 } });
      Nacre->on_worker_stop(sub { note('second'); exit 4 });
      Nacre->on_worker_stop(sub { die "cannot say goodbye\\n" });
      Nacre->on_worker_stop(sub { note('third') });
      END { note('end') }
      1;
      """)
    try site.serve(ServerOptions(workers: 1)) { server throws in
      #expect(try server.text() == "one", "\(server)")
      try site.write("lib/Answer.pm", "package Answer; sub text { 'two' } 1;")
      #expect(try server.text() == "two", "\(server)")
      let message = "the stop hook of \(site.absolute("lib/DB.pm")) line 5 died: cannot say goodbye"
      #expect(server.logs(message), "\(server)")
      #expect(eventually { site.noted == ["third", "second", "first", "end"] }, "\(site.noted)\n\(server)")
    }
  }

  @Test func aChildThatAHookForksIsNoWorker() throws {
    let site = try site("if (!fork) { exit } wait")
    try site.serve(ServerOptions(workers: 2)) { server throws in
      for _ in 0..<5 { #expect(try server.text() == "one", "\(server)") }
      #expect(server.workers(of: 1).count == 2)
    }
  }
}
