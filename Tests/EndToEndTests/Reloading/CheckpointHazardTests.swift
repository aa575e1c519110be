import Foundation
import Glibc
import Testing

/// What a process that comes out of a checkpoint must find as it was left.
@Suite(.lane) struct CheckpointHazardTests {
  private func part(_ word: String) -> String {
    "package Part; our $left = alarm 100; sub word { \"\(word) \" . ($left > 0 ? 'armed' : 'lost') } 1;\n"
  }

  @Test func alarmSetBeforeACheckpointGoesOnInEveryRewind() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word()", using: "BEGIN { alarm 100 } use Part;"), "lib/Part.pm": part("v0"),
    ])
    try site.serve { server in
      for round in 0...3 {
        try site.write("lib/Part.pm", part("v\(round)"))
        #expect(try server.text() == "v\(round) armed", "\(server)")
      }
      #expect(server.logs("rewind"), "\(server)")
    }
  }

  /// The checkpoint stands in the middle of `app.psgi`; what that is compared with at its end must be newer.
  @Test func fileThatIsSavedAgainUnchangedBehindACheckpointMakesNoRewindVoid() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word()", using: "use Part;"), "lib/Part.pm": "package Part; sub word { 'v0' } 1;",
    ])
    try site.serve { server in
      for round in 1...3 {
        try site.replace("app.psgi", site.read("app.psgi"))
        #expect(try server.text() == "v\(round - 1)", "\(server)")
        try site.write("lib/Part.pm", "package Part; sub word { 'v\(round)' } 1;")
        #expect(try server.text() == "v\(round)", "\(server)")
      }
      #expect(!server.log.contains("rejected"), "\(server)")
    }
  }

  /// More names than the C library reads at once, so that the second half comes from the kernel's offset.
  @Test func largeDirectoryReadHalfwayGoesOnWhereItWas() throws {
    let suffix = String(repeating: "x", count: 180)
    var files = ["lib/Part.pm": "package Part; sub word { 'v0' } 1;\n"]
    for number in 1...600 { files["many/\(number)\(suffix)"] = "" }
    files["app.psgi"] = Site.app(
      "Part::word() . \" $count\"",
      using: """
        my %seen; our $count; opendir my $directory, 'many' or die;
        for (1 .. 10) { $seen{readdir $directory}++ }
        require Part;
        while (defined(my $name = readdir $directory)) { $seen{$name}++ }
        $count = keys %seen;
        """)
    let site = try Site(files)
    try site.serve { server in
      for round in 0...3 {
        try site.write("lib/Part.pm", "package Part; sub word { 'v\(round)' } 1;\n")
        #expect(try server.text() == "v\(round) 602", "\(server)")
      }
      #expect(server.logs("rewind"), "\(server)")
    }
  }

  /// The search in `@INC` before which the checkpoint stands must be made again after it.
  @Test func fileThatShadowsTheOneBehindACheckpointIsFollowedFromThenOn() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word()", using: "use lib 'first', 'second'; use Part;"), "first/keep": "",
      "second/Part.pm": "package Part; sub word { 'second' } 1;",
    ])
    try site.serve { server in
      // A file that was edited gets a checkpoint right before it.
      for word in ["2", "second"] {
        try site.write("second/Part.pm", "package Part; sub word { '\(word)' } 1;")
        #expect(try server.text() == word, "\(server)")
      }
      for word in ["one", "two", "three"] {
        try site.write("first/Part.pm", "package Part; sub word { '\(word)' } 1;")
        #expect(try server.text() == word, "\(server)")
      }
    }
  }

  /// An alarm without a handler ends a process; the mold has to be there as long as the generation.
  @Test func alarmSetAtLoadDoesNotReachTheMold() throws {
    let site = try Site(["app.psgi": Site.app("$$", using: "alarm 1;")])
    try site.serve(ServerOptions(workers: 1)) { server in
      let begun = Date()
      #expect(eventually { Date().timeIntervalSince(begun) > 1.5 }, "the alarm would have rung")
      let worker = try server.text()
      kill(try #require(pid_t(worker)), SIGKILL)
      #expect(try server.text() != worker)
      #expect(!server.log.contains("mold"), "\(server)")
    }
  }
}
