import Foundation
import Glibc
import Testing

/// What reloading leaves behind: processes, descriptors, orphans.
@Suite(.lane) struct ProcessHazardTests {
  private func part(_ word: String) -> String { "package Part; sub word { '\(word)' } 1;" }

  private func site() throws -> Site {
    try Site([
      "app.psgi": Site.app("$env->{PATH_INFO} eq '/pid' ? $$ : Part::word()", using: "use Part;"),
      "lib/Part.pm": part("v0"),
    ])
  }

  private func descriptors(_ pid: pid_t) -> Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd"))?.count ?? 0
  }

  /// Zombies among the children of a process.
  private func zombies(_ pid: pid_t) -> Int { ProcessEntry.all().filter { $0.parent == pid && $0.state == "Z" }.count }

  @Test(.slow) func manyReloadsAndRejectionsLeaveNoProcessesAndNoDescriptors() throws {
    let site = try site()
    try site.serve { server in
      func rounds(_ range: ClosedRange<Int>) throws {
        for round in range {
          try site.write("lib/Part.pm", part("v\(round)"))
          #expect(try server.text() == "v\(round)", "\(server)")
          try site.write("lib/Part.pm", "package Part; {")
          #expect(try server.ask().status == 500, "\(server)")
        }
        try site.write("lib/Part.pm", part("last"))
        #expect(try server.text() == "last", "\(server)")
      }
      /// Old workers and molds need a moment to leave: the least that is seen.
      func settled(_ count: () -> Int, atMost limit: Int) -> Int {
        var least = Int.max
        _ = eventually(within: 15) {
          least = min(least, count())
          return least <= limit
        }
        return least
      }
      try rounds(1...10)
      // base, checkpoints before app.psgi and Part.pm, this mold and the one before with its checkpoints, two workers
      let processes = settled({ server.perlProcesses.count }, atMost: 10)
      // A candidate that stands by has one, and may just have been spent. What is lost is lost in each of 30 rounds.
      let open = settled({ descriptors(server.process.pid) }, atMost: 40) + 3
      #expect(processes <= 10, "\(server)")
      try rounds(11...40)
      #expect(settled({ server.perlProcesses.count }, atMost: processes) <= processes, "\(server)")
      #expect(settled({ descriptors(server.process.pid) }, atMost: open) <= open, "\(server)")
      #expect(settled({ zombies(server.process.pid) }, atMost: 0) == 0, "\(server)")
      let worker = try #require(pid_t(try server.text("/pid")))
      #expect(descriptors(worker) < 20, "a worker holds descriptors of other processes")
    }
  }

  @Test func everyPerlProcessIsAChildOfNacre() throws {
    let site = try site()
    try site.serve { server in
      for round in 1...3 {
        try site.write("lib/Part.pm", part("v\(round)"))
        #expect(try server.text() == "v\(round)", "\(server)")
      }
      #expect(
        eventually {
          let perls = server.process.session().filter { $0.pid != server.process.pid }
          return !perls.isEmpty && perls.allSatisfy { $0.parent == server.process.pid }
        }, "\(server)")
    }
  }

  @Test func killedNacreLeavesNoOrphan() throws {
    let site = try site()
    try site.serve(expecting: nil) { server in
      #expect(try server.text() == "v0")
      // A candidate in an endless loop reads no channel; it must go all the same.
      try site.write("lib/Part.pm", "package Part; 1 while 1; 1;")
      let connection = try server.connect()
      try connection.request()
      #expect(eventually { server.process.session().contains { $0.state == "R" && $0.pid != server.process.pid } })
      server.process.send(SIGKILL)
      #expect(server.process.waitForEnd() == .signal(SIGKILL))
      #expect(eventually { server.process.session().isEmpty }, "\(server.process.session())")
    }
  }

  @Test func killedCheckpointIsReplacedByAnEarlierOneOrAColdStart() throws {
    let site = try site()
    try site.serve { server in
      #expect(try server.text() == "v0")
      var workers: Set<pid_t> = []
      #expect(
        eventually {
          if let pid = (try? server.text("/pid")).flatMap({ pid_t($0) }) { workers.insert(pid) }
          return workers.count == 2
        }, "\(server)")
      // Everything but nacre and the workers goes: base, checkpoints and mold.
      for pid in server.perlProcesses where !workers.contains(pid) { kill(pid, SIGKILL) }
      for round in 1...3 {
        #expect(eventually { (try? server.text()) == "v\(round - 1)" }, "\(server)")
        try site.write("lib/Part.pm", part("v\(round)"))
        #expect(eventually { (try? server.text()) == "v\(round)" }, "\(server)")
      }
    }
  }
}
