import Testing

@testable import ReloadModel

private func source(_ text: String) -> SourceText { SourceText(Array(text.utf8)) }

private func numbered(_ count: Int) -> SourceText { source((1...count).map { "line \($0)\n" }.joined()) }

/// How a line that consists of these bytes is shown.
private func shown(_ bytes: [UInt8]) -> String? { SourceText(bytes).line(1) }

@Test func linesAreCountedAsPerlCountsThem() {
  #expect(source("").count == 0)
  #expect(source("a").count == 1)
  #expect(source("a\n").count == 1)
  #expect(source("a\n\nb").count == 3)
  #expect(source("a\r\nb\r\n").line(1) == "a")
  #expect(source("a\n").line(0) == nil && source("a\n").line(2) == nil)
}

@Test func sourceIsReadAsUTF8OrElseAsLatin1() {
  #expect(shown(Array("Grüße ☕".utf8)) == "Grüße ☕")
  #expect(shown([0x47, 0x72, 0xFC, 0xDF, 0x65]) == "Grüße")
  // One line is not the other's business.
  #expect(SourceText([0xFC, 0x0A] + Array("ü".utf8)).line(2) == "ü")
}

@Test func whatCannotBeSeenIsShown() {
  #expect(shown([0x00, 0x1B, 0x5B, 0x09, 0x7F]) == "\u{2400}\u{241B}[\t\u{2421}")
  #expect(shown(Array("if (\u{202e}x\u{2066}) \u{200b}{ \u{feff}".utf8)) == "if (\u{fffd}x\u{fffd}) \u{fffd}{ \u{fffd}")
  #expect(shown([0x80, 0x9F, 0xFF]) == "\u{fffd}\u{fffd}ÿ")
}

@Test func longLineIsCutOff() {
  #expect(source(String(repeating: "x", count: 300)).line(1)?.count == 300)
  #expect(source(String(repeating: "x", count: 301)).line(1) == String(repeating: "x", count: 300) + " …")
  #expect(source(String(repeating: "ü☕", count: 100_000)).line(1) == String(repeating: "ü☕", count: 150) + " …")
}

@Test func excerptShowsFiveLinesBeforeAndAfter() throws {
  let excerpt = try #require(SourceExcerpt(of: numbered(20), file: "/a.pm", place: 10))
  #expect(excerpt.lines.map(\.number) == Array(5...15))
  #expect(excerpt.lines.filter { $0.mark == .place }.map(\.text) == ["line 10"])
  #expect(excerpt.markedText == "line 10")
}

@Test func excerptEndsWithTheFile() throws {
  #expect(try #require(SourceExcerpt(of: numbered(3), file: "/a.pm", place: 1)).lines.map(\.number) == [1, 2, 3])
  #expect(try #require(SourceExcerpt(of: numbered(9), file: "/a.pm", place: 9)).lines.map(\.number) == Array(4...9))
}

@Test func excerptHasNothingToShowOfAShorterFile() {
  #expect(SourceExcerpt(of: numbered(3), file: "/a.pm", place: 4) == nil)
  #expect(SourceExcerpt(of: numbered(3), file: "/a.pm", place: 0) == nil)
  #expect(SourceExcerpt(of: source(""), file: "/a.pm", place: 1) == nil)
}

@Test func furtherErrorsAreMarkedAndShownEvenFarAway() throws {
  let excerpt = try #require(SourceExcerpt(of: numbered(100), file: "/a.pm", place: 10, further: [12, 50, 10, 101]))
  #expect(excerpt.lines.map(\.number) == Array(5...15) + Array(48...52) + [99, 100])
  #expect(excerpt.lines.filter { $0.mark == .further }.map(\.number) == [12, 50])
}

@Test func excerptStaysSmallHoweverManyErrorsThereAre() throws {
  let excerpt = try #require(
    SourceExcerpt(of: numbered(1000), file: "/a.pm", place: 10, further: (0..<90).map { $0 * 10 + 100 }))
  #expect(excerpt.lines.count <= 60)
}

@Test func endOfAFileIsItsLastLineThatSaysSomething() throws {
  let excerpt = try #require(SourceExcerpt(endOf: source("use X;\n1;\n\n  \n"), file: "/app.psgi"))
  #expect(excerpt.markedText == "1;")
  #expect(SourceExcerpt(endOf: source("\n \n"), file: "/app.psgi") == nil)
}

@Test func plainExcerptPointsAtTheLines() throws {
  let excerpt = try #require(SourceExcerpt(of: numbered(30), file: "/a.pm", place: 4, further: [20]))
  #expect(
    excerpt.plainLines.joined(separator: "\n") == """
         1 | line 1
         2 | line 2
         3 | line 3
      >  4 | line 4
         5 | line 5
         6 | line 6
         7 | line 7
         8 | line 8
         9 | line 9
        ...
        18 | line 18
        19 | line 19
      > 20 | line 20
        21 | line 21
        22 | line 22
      """)
}
