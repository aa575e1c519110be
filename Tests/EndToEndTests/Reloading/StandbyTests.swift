import Foundation
import Glibc
import Testing

/// The candidate that the checkpoint before the file edited last has forked ahead, while nothing happens.
@Suite(.lane) struct StandbyTests {
  private static func part(_ word: String) -> String {
    "package Part; our $random = rand; sub word { \"\(word) $Part::random \" . ($^T - (stat __FILE__)[9] >= 0) } 1;\n"
  }

  private func site() throws -> Site {
    try Site([
      "app.psgi": Site.app("Part::word() . ' ' . Other::word()", using: "use Part; use Other;"),
      "lib/Part.pm": Self.part("v0"), "lib/Other.pm": "package Other; sub word { 'other' } 1;\n",
    ])
  }

  /// The process that stands by; it takes a rest for the checkpoint to make one.
  private func standby(_ server: Server) throws -> pid_t {
    try firstValue {
      server.perlProcesses.first { contents(of: "/proc/\($0)/cmdline").contains(", standing by") }
    }
  }

  /// Saves the part, so that a checkpoint right before it comes to stand by.
  private func makeHot(_ site: Site, _ server: Server) throws {
    for number in 1...2 {
      try expectWord("v\(number)", after: { try site.write("lib/Part.pm", Self.part("v\(number)")) }, server)
    }
  }

  @discardableResult
  private func expectWord(_ word: String, after save: () throws -> Void, _ server: Server) throws -> String {
    try save()
    let words = try server.text().split(separator: " ").map(String.init)
    #expect(words.count == 4 && words[0] == word && words[2] == "1" && words[3] == "other", "\(words)\n\(server)")
    return words.count > 1 ? words[1] : ""
  }

  @Test func itBecomesTheNextGenerationAndAnotherOneTakesItsPlace() throws {
    let site = try site()
    try site.serve { server in
      try makeHot(site, server)
      var randoms: Set<String> = []
      for round in 3...5 {
        let ahead = try standby(server)
        randoms.insert(
          try expectWord("v\(round)", after: { try site.write("lib/Part.pm", Self.part("v\(round)")) }, server))
        #expect(server.processes(.mold).contains(ahead), "\(ahead) has loaded what serves now\n\(server)")
      }
      #expect(randoms.count == 3, "each has random numbers of its own: \(randoms)")
    }
  }

  @Test func itFillsNoMappingThatIsMostlyEmpty() throws {
    let site = try site()
    // 8 GB of addresses, and one page of memory.
    try site.write(
      "lib/Other.pm",
      """
      package Other; use Config;
      my $at = syscall($Config{archname} =~ /x86_64/ ? 9 : 222, 0, 8 << 30, 3, 0x4022, -1, 0);
      die "mmap: $!" if $at == -1;
      sub word { 'other' } 1;

      """)
    try site.write("app.psgi", Site.app("Part::word() . ' ' . Other::word()", using: "use Other; use Part;"))
    try site.serve { server in
      try makeHot(site, server)
      let ahead = try standby(server)
      try expectWord("v3", after: { try site.write("lib/Part.pm", Self.part("v3")) }, server)
      #expect(server.processes(.mold).contains(ahead), "\(ahead) has loaded what serves now\n\(server)")
      let status = contents(of: "/proc/\(ahead)/status")
      let peak = try #require(status.firstMatch(of: /VmHWM:\s+(\d+) kB/).flatMap { Int($0.1) })
      #expect(peak < 1_000_000, "\(peak) kB\n\(server)")
    }
  }

  @Test(arguments: [SIGKILL, SIGSTOP]) func itMayBeKilledOrStopped(signal: Int32) throws {
    let site = try site()
    try site.serve { server in
      try makeHot(site, server)
      for round in 3...4 {
        let ahead = try standby(server)
        kill(ahead, signal)
        #expect(eventually { ProcessEntry(pid: ahead).map { "TZ".contains($0.state) } ?? true })
        try expectWord("v\(round)", after: { try site.write("lib/Part.pm", Self.part("v\(round)")) }, server)
        #expect(!server.log.contains("rejected"), "\(server)")
      }
      server.continueAll()
    }
  }

  @Test func itLeavesWithItsCheckpoint() throws {
    let site = try site()
    try site.serve { server in
      try makeHot(site, server)
      let ahead = try standby(server)
      // Before the part was loaded, so its checkpoint is of no use any more.
      try expectWord("v2", after: { try site.edit("app.psgi", "use Part;", "my $more = 1; use Part;") }, server)
      #expect(eventually { ProcessEntry(pid: ahead).map { $0.state == "Z" } ?? true }, "\(server)")
    }
  }

  /// `app.psgi` is open, half read, when the process is forked; a file with the same content takes its place before it goes on.
  @Test func fileThatIsReplacedWhileItStandsByIsReadAsItIsNow() throws {
    let site = try site()
    try site.write(
      "app.psgi", site.read("app.psgi") + String(repeating: "# more than perl reads at once\n", count: 4000))
    try site.serve { server in
      try makeHot(site, server)
      for round in 3...4 {
        _ = try standby(server)
        let text = site.read("app.psgi")
        // Written over, longer, and then replaced by the old content.
        try site.write("app.psgi", text + "die 'never run';\n" + text)
        try site.replace("app.psgi", text)
        try expectWord("v\(round)", after: { try site.write("lib/Part.pm", Self.part("v\(round)")) }, server)
      }
    }
  }

  @Test func thereIsNoneInProduction() throws {
    let site = try site()
    try site.serve(.production) { server in
      for number in 1...2 {
        try site.write("lib/Part.pm", Self.part("v\(number)"))
        #expect(eventually { (try? server.text())?.hasPrefix("v\(number) ") == true }, "\(server)")
      }
      // The processes of the third generation have rested by the time a further one has come and gone.
      try site.write("lib/Other.pm", "package Other; sub word { 'others' } 1;\n")
      #expect(eventually { (try? server.text())?.hasSuffix("others") == true }, "\(server)")
      #expect(!server.perlProcesses.contains { contents(of: "/proc/\($0)/cmdline").contains("standing by") })
    }
  }
}
