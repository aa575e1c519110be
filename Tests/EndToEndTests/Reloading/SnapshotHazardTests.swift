import Foundation
import Testing

/// What goes wrong with snapshots of a process if it is not thought of: the hazards of the design, one by one.
@Suite(.lane) struct SnapshotHazardTests {
  private func part(_ word: String) -> String { "package Part; sub word { '\(word)' } 1;" }

  /// Serves in development with `NOTES`, a file for what the application writes down.
  private func serve(
    _ site: Site, workers: Int = 2, expecting end: ProcessEnd? = .code(0),
    _ body: (Server, () -> [String]) throws -> Void
  ) throws {
    let notes = site.notes + "/notes"
    var options = ServerOptions.development
    options.workers = workers
    options.variables["NOTES"] = notes
    try site.serve(options, expecting: end) { server in
      try body(server) { contents(of: notes).split(separator: "\n").map(String.init) }
    }
  }

  @Test func endBlocksRunOnceInWorkersThatServedAndNowhereElse() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word() . \" $$\"", using: "use Part;"),
      "lib/Part.pm": "package Part; use Final; sub word { 'v0' } 1;",
      "lib/Final.pm": """
      package Final;
      sub note { open my $notes, '>>', $ENV{NOTES} or die; syswrite $notes, "$_[0] $$\\n" }
      END { note('end') }
      1;
      """,
    ])
    var served: Set<String> = []
    try serve(site) { server, notes in
      for round in 0...5 {
        try site.write("lib/Part.pm", "package Part; use Final; sub word { 'v\(round)' } 1;")
        let words = try server.text().split(separator: " ")
        #expect(words.first == "v\(round)", "\(server)")
        served.insert(String(words.last ?? ""))
        try site.write("lib/Part.pm", "package Part; use Final; sub word { 'v\(round)'")
        #expect(try server.ask().status == 500, "\(server)")
      }
      try site.write("lib/Part.pm", part("end"))
      _ = try server.text()
    }
    let ended = contents(of: site.notes + "/notes").split(separator: "\n").map { String($0.dropFirst("end ".count)) }
    #expect(Set(ended).count == ended.count, "an END block ran twice in one process: \(ended)")
    #expect(served.isSubset(of: ended), "a worker that served left without its END block")
    // Six generations of two workers had it; checkpoints, molds and rejected candidates leave without a word.
    #expect(ended.count <= 12, "more END blocks than workers: \(ended)")
  }

  @Test func objectsAreNotDestroyedInProcessesThatDoNotServe() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word()", using: "use Guard; our $guard = Guard->new; use Part;"),
      "lib/Guard.pm": """
      package Guard;
      sub new { bless {}, shift }
      sub DESTROY { open my $notes, '>>', $ENV{NOTES} or die; syswrite $notes, "destroyed\\n" }
      1;
      """,
      "lib/Part.pm": part("v0"),
    ])
    try serve(site) { server, notes in
      for round in 0...3 {
        try site.write("lib/Part.pm", part("v\(round)"))
        try server.expectFresh("v\(round)")
        try site.write("lib/Part.pm", "broken {")
        _ = try server.ask()
      }
      // The oracle's own processes end with DESTROY, one each.
      #expect(notes().isEmpty, "\(notes())\n\(server)")
    }
  }

  @Test func bufferedOutputComesOutOnceForEachTimeItIsPrinted() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "Part::word()",
        using: """
          BEGIN {
            print 'printed at load;';
            open our $notes, '>>', $ENV{NOTES} or die; print $notes "written\n";
            open my $loads, '>>', "$ENV{NOTES}.loads" or die; syswrite $loads, "load\n";
          }
          use Part;
          """),
      "lib/Part.pm": part("v0"),
    ])
    try serve(site) { server, _ in
      for round in 0...3 {
        try site.write("lib/Part.pm", part("v\(round)"))
        #expect(try server.text() == "v\(round)", "\(server)")
      }
    }
    func count(_ word: String, _ file: String) -> Int {
      contents(of: site.notes + "/" + file).components(separatedBy: word).count - 1
    }
    let loads = count("load", "notes.loads")
    #expect((1...3).contains(loads), "four generations, and none was made by a rewind")
    #expect(count("written", "notes") == loads)
    #expect(count("printed at load;", "output") == loads)
  }

  @Test func eachWorkerAndGenerationHasItsOwnRandomNumbers() throws {
    let site = try Site([
      "app.psgi": Site.app("\"$$ $number \" . rand", using: "my $number = rand; use Part;"), "lib/Part.pm": part("v0"),
    ])
    try serve(site, workers: 3) { server, _ in
      var first: [String: String] = [:]
      for round in 0...2 {
        try site.write("lib/Part.pm", part("v\(round)"))
        for _ in 0..<12 {
          let words = try server.text().split(separator: " ").map(String.init)
          guard words.count == 3 else { throw Stuck("\(words)") }
          first[words[0]] = first[words[0]] ?? words[2]
        }
      }
      #expect(first.count >= 3, "\(server)")
      #expect(Set(first.values).count == first.count, "two processes drew the same numbers: \(first)")
    }
  }

  @Test func startTimeIsThatOfTheRewind() throws {
    let site = try Site(["app.psgi": Site.app("$^T", using: "use Part;"), "lib/Part.pm": part("v0")])
    try serve(site) { server, _ in
      let start = try #require(Int(try server.text()))
      #expect(eventually { time(nil) > start + 1 })
      let saved = time(nil)
      try site.write("lib/Part.pm", part("v1"))
      #expect(try #require(Int(try server.text())) >= saved, "\(server)")
    }
  }

  @Test func startTimeIsThatOfTheRespawn() throws {
    let site = try Site([
      "app.psgi": Site.app("do { require Part; Part::word() }, \" $^T\""), "lib/Part.pm": part("v0"),
    ])
    try serve(site) { server, _ in
      let start = try #require(Int(try server.text().split(separator: " ").last ?? ""))
      #expect(eventually { time(nil) > start + 1 })
      let saved = time(nil)
      try site.write("lib/Part.pm", part("v1"))
      // Part is known by the workers alone.
      #expect(try #require(Int(try server.text().split(separator: " ").last ?? "")) >= saved, "\(server)")
      #expect(server.log.contains("by respawn"), "\(server)")
    }
  }

  @Test func alarmSetAtLoadIsReportedOrRings() throws {
    let site = try Site([
      "app.psgi": Site.app("'ok'", using: "$SIG{ALRM} = sub { warn \"it rang\\n\" }; alarm 1; use Part;"),
      "lib/Part.pm": part("v0"),
    ])
    try serve(site) { server, _ in
      let answer = try server.text()
      #expect(answer == "ok", "\(server)")
      let told = eventually { server.log.range(of: "alarm|timer|it rang", options: .regularExpression) != nil }
      #expect(told, "\(server)")
    }
  }

  @Test func socketOpenedAtLoadIsReportedWithItsFile() throws {
    let site = try Site([
      "app.psgi": Site.app("'ok'", using: "use Database; use Part;"),
      "lib/Database.pm": """
      package Database;
      use Socket;
      socketpair our $here, our $there, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die;
      1;
      """,
      "lib/Part.pm": part("v0"),
    ])
    try serve(site) { server, _ in
      #expect(try server.text() == "ok")
      #expect(
        eventually { server.log.contains("lib/Database.pm") && server.log.lowercased().contains("socket") }, "\(server)"
      )
      try site.write("lib/Part.pm", part("v1"))
      #expect(try server.text() == "ok")
    }
  }

  @Test func plackNamesAndVariablesAreAsUnderPlackup() throws {
    let site = try Site([
      "sub/app.psgi": Site.app(
        "$told",
        using: """
          use FindBin; use lib "$FindBin::Bin/../lib"; use Part; use Cwd;
          my $told = join ' ', $0, $FindBin::Bin, scalar(@ARGV), $ENV{PLACK_ENV}, getcwd(), __FILE__,
            (grep { $_ eq "$ENV{EXTRA}" } @INC) ? 'extra' : 'none', Part::word();
          """),
      "lib/Part.pm": part("v0"), "extra/.keep": "",
    ])
    var options = ServerOptions.development
    options.application = "sub/app.psgi"
    options.variables = ["PERL5LIB": site.absolute("extra"), "EXTRA": site.absolute("extra")]
    try site.serve(options) { server in
      for round in 0...2 {
        try site.write("lib/Part.pm", part("v\(round)"))
        let file = site.absolute("sub/app.psgi")
        let words = [file, site.absolute("sub"), "0", "development", site.path, file, "extra", "v\(round)"]
        try server.expectFresh(words.joined(separator: " "), options: options)
      }
    }
  }

  @Test func perl5optIsHonoured() throws {
    let site = try Site([
      "app.psgi": Site.app("$Preset::word"), "preset/Preset.pm": "package Preset; our $word = 'preset'; 1;",
    ])
    var options = ServerOptions.development
    options.variables = ["PERL5OPT": "-I\(site.absolute("preset")) -MPreset"]
    try site.serve(options) { server in
      try server.expectFresh("preset", options: options)
      try site.edit("preset/Preset.pm", "'preset'", "'changed'")
      try server.expectFresh("changed", options: options)
    }
  }
}
