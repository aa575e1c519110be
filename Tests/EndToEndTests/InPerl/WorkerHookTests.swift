import Foundation
import Glibc
import Testing

/// `Nacre->on_worker_start` and `Nacre->on_worker_stop` when all is well.
@Suite(.lane) struct WorkerHookTests {
  /// An application whose workers note what their hooks do, and answer with what the start hook made.
  private func site() throws -> Site {
    let site = try Site([:], include: ["lib"])
    try site.write("lib/Notes.pm", "package Notes; \(site.noteSub) 1;")
    try site.write(
      "lib/DB.pm",
      """
      package DB_; use Nacre; use Notes; our $handle;
      Nacre->on_worker_start(sub { Notes::note('start db'); $handle = "handle of $$" });
      Nacre->on_worker_stop(sub { Notes::note('stop db') });
      1;
      """)
    try site.write(
      "app.psgi",
      """
      use Nacre; use DB; use Notes; use Answer;
      Nacre->on_worker_start(sub { Notes::note("start app") });
      Nacre->on_worker_stop(sub { Notes::note("stop app") });
      END { Notes::note('end') if $DB_::handle }
      sub { [200, [], [$DB_::handle eq "handle of $$" ? Answer::text() : "handle $DB_::handle in $$"]] };
      """)
    try site.write("lib/Answer.pm", "package Answer; sub text { 'one' } 1;")
    return site
  }

  @Test func startHooksRunOnceInEveryWorkerInOrderBeforeItsFirstRequest() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 3)) { server throws in
      #expect(try server.text() == "one", "\(server)")
      let notes = site.notedBy
      #expect(Set(notes.map(\.pid)) == Set(server.workers(of: 1)))
      for pid in server.workers(of: 1) {
        #expect(notes.filter { $0.pid == pid }.map(\.text) == ["start db", "start app"])
      }
    }
  }

  @Test func stopHooksRunInReverseOrderBeforeTheEndBlocks() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 2)) { server throws in _ = try server.text() }
    for pid in Set(site.notedBy.map(\.pid)) {
      #expect(
        site.notedBy.filter { $0.pid == pid }.map(\.text)
          == ["start db", "start app", "stop app", "stop db", "end"])
    }
  }

  @Test func aRetiredGenerationStopsWhereTheNextHasStarted() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      #expect(try server.text() == "one")
      let old = try #require(server.workers(of: 1).first)
      try site.write("lib/Answer.pm", "package Answer; sub text { 'two' } 1;")
      #expect(try server.text() == "two", "\(server)")
      #expect(eventually { site.notedBy.contains { $0.text == "end" && $0.pid == old } }, "\(server)")
      #expect(site.notedBy.filter { $0.pid == old }.suffix(3).map(\.text) == ["stop app", "stop db", "end"])
    }
  }

  @Test(arguments: ["app.psgi", "lib/DB.pm", "lib/Answer.pm"]) func hooksOfAFileThatIsLoadedAgainAreNotDoubled(
    file: String
  ) throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      _ = try server.text()
      for generation in 2...4 {
        try site.write(file, site.read(file) + "\n")
        #expect(try server.text() == "one", "\(server)")
        let worker = try #require(server.workers(of: generation).first)
        #expect(site.notedBy.filter { $0.pid == worker }.map(\.text) == ["start db", "start app"], "\(server)")
      }
    }
  }

  @Test func hooksOfAFileThatIsNoLongerLoadedAreGone() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      _ = try server.text()
      try site.edit("lib/DB.pm", "Nacre->on_worker_start(sub { Notes::note('start db');", "1 or (sub {")
      #expect(try server.text().hasPrefix("handle  in"), "\(server)")
      let worker = try #require(server.workers(of: 2).first)
      #expect(site.notedBy.filter { $0.pid == worker }.map(\.text) == ["start app"])
    }
  }

  @Test func aWorkerThatReplacesADeadOneHasItsHooks() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      for pid in server.workers(of: 1) { kill(pid, SIGKILL) }
      #expect(try server.text() == "one", "\(server)")
    }
  }

  @Test func aRespawnStartsTheHooksOfItsWorkers() throws {
    let site = try site()
    try site.write("templates/page.tt", "a")
    try site.serve(ServerOptions(workers: 1)) { server throws in
      _ = try server.text()
      try site.write("templates/page.tt", "b")
      #expect(try server.text() == "one", "\(server)")
      let worker = try #require(server.workers(of: 2).first)
      #expect(site.notedBy.filter { $0.pid == worker }.map(\.text) == ["start db", "start app"])
    }
  }

  @Test func hooksThatAreRegisteredWhileServingRunToo() throws {
    let site = try site()
    try site.write(
      "lib/Late.pm",
      """
      package Late; use Nacre; use Notes;
      Nacre->on_worker_start(sub { Notes::note('late start') });
      Nacre->on_worker_stop(sub { Notes::note('late stop') });
      1;
      """)
    try site.edit("app.psgi", "sub { [200", "sub { require Late; Notes::note('request'); [200")
    try site.serve(ServerOptions(workers: 1)) { server throws in
      _ = try server.text()
      _ = try server.text()
    }
    #expect(
      site.noted == [
        "start db", "start app", "late start", "request", "request", "late stop", "stop app", "stop db", "end",
      ])
  }

  @Test func whatAStartHookLoadsIsWatched() throws {
    let site = try site()
    try site.edit("app.psgi", "note(\"start app\")", "note('start app'); require Lazy")
    try site.edit("app.psgi", "Answer::text()", "Lazy::text()")
    try site.write("lib/Lazy.pm", "package Lazy; sub text { 'lazy' } 1;")
    try site.serve { server throws in
      #expect(try server.text() == "lazy", "\(server)")
      try site.write("lib/Lazy.pm", "package Lazy; sub text { 'lazier' } 1;")
      #expect(try server.text() == "lazier", "\(server)")
    }
  }

  @Test(.disabled(if: Products.sanitizer != nil, "the address sanitizer keeps what was freed"))
  func hooksCostNoMemoryFromReloadToReload() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      func moldSize() throws -> Int {
        let worker = try #require(server.perlProcesses.max())
        return try residentKilobytes(worker)
      }
      for _ in 0..<5 {
        try site.write("lib/Answer.pm", site.read("lib/Answer.pm") + "\n")
        _ = try server.text()
      }
      let before = try moldSize()
      for _ in 0..<20 {
        try site.write("lib/Answer.pm", site.read("lib/Answer.pm") + "\n")
        _ = try server.text()
      }
      #expect(try moldSize() - before < 512, "\(server)")
    }
  }
}

/// The resident memory of a process.
func residentKilobytes(_ pid: pid_t) throws -> Int {
  let line = contents(of: "/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
  guard let line, let size = Int(line.filter(\.isNumber)) else { throw Stuck("process \(pid) tells no size") }
  return size
}
