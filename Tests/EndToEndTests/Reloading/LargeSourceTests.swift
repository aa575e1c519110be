import Testing

/// Source files larger than the buffer through which perl reads them: a checkpoint inside one shares the file's offset
/// with every process that is forked from it.
@Suite(.lane) struct LargeSourceTests {
  /// A module of some 200 KB that uses another in its middle.
  private func large(above: String, below: String, before: Int = 2000, after: Int = 2000) -> String {
    func subs(_ prefix: String, _ count: Int) -> String {
      (0..<count).map { "sub \(prefix)\($0) { return 'this is number \($0)' }\n" }.joined()
    }
    return "package Large;\nsub above { '\(above)' }\n" + subs("first", before) + "use Middle;\n"
      + subs("second", after)
      + "sub below { '\(below)' }\n1;\n"
  }

  private func middle(_ word: String) -> String { "package Middle; sub word { '\(word)' } 1;" }

  private func site() throws -> Site {
    let site = try Site([
      "app.psgi": Site.app(
        "join ' ', Large::above(), Middle::word(), Large::below(), Large::first1999(), Large::second1999()",
        using: "use Large;"),
      "lib/Large.pm": large(above: "a0", below: "b0"), "lib/Middle.pm": middle("m0"),
    ])
    #expect(site.read("lib/Large.pm").utf8.count > 180_000)
    return site
  }

  private func expected(_ above: Int, _ middle: Int, _ below: Int) -> String {
    "a\(above) m\(middle) b\(below) this is number 1999 this is number 1999"
  }

  @Test func whatItUsesIsEditedThreeTimes() throws {
    let site = try site()
    try site.serve { server in
      try server.expectFresh(expected(0, 0, 0))
      for round in 1...3 {
        try site.write("lib/Middle.pm", middle("m\(round)"))
        try server.expectFresh(expected(0, round, 0))
      }
    }
  }

  @Test func itIsEditedBelowThreeTimes() throws {
    let site = try site()
    try site.serve { server in
      try server.expectFresh(expected(0, 0, 0))
      for round in 1...3 {
        try site.write("lib/Large.pm", large(above: "a0", below: "b\(round)"))
        try server.expectFresh(expected(0, 0, round))
      }
    }
  }

  @Test func itIsEditedAboveThreeTimes() throws {
    let site = try site()
    try site.serve { server in
      try server.expectFresh(expected(0, 0, 0))
      for round in 1...3 {
        try site.replace("lib/Large.pm", large(above: "a\(round)", below: "b0"))
        try server.expectFresh(expected(round, 0, 0))
      }
    }
  }

  @Test func editsTakeTurns() throws {
    let site = try site()
    try site.serve { server in
      for round in 1...3 {
        try site.write("lib/Middle.pm", middle("m\(round)"))
        try server.expectFresh(expected(round - 1, round, round - 1))
        try site.write("lib/Large.pm", large(above: "a\(round - 1)", below: "b\(round)"))
        try server.expectFresh(expected(round - 1, round, round))
        try site.write("lib/Large.pm", large(above: "a\(round)", below: "b\(round)"))
        try server.expectFresh(expected(round, round, round))
      }
    }
  }

  @Test func errorInsideItLeavesThePlaceToGoBackTo() throws {
    let site = try site()
    try site.serve { server in
      try server.expectFresh(expected(0, 0, 0))
      for round in 1...3 {
        try site.write("lib/Middle.pm", "package Middle; sub word { ")
        #expect(try server.ask().status == 500, "\(server)")
        try site.write("lib/Middle.pm", middle("m\(round)"))
        try server.expectFresh(expected(0, round, 0))
      }
    }
  }
}
