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
}
