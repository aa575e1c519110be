import ArgumentParser
import Foundation
import Testing

@testable import nacre

/// The manual and the README name what the parser knows, no more and no less.
@Suite struct ManualTests {
  /// A file of the repository.
  private func file(_ path: String) throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
  }

  /// The options that a help text explains: lines such as `  -E, --env <ENV>   ...`.
  private func options(inHelp help: String) -> Set<String> {
    var names: Set<String> = []
    for line in help.split(separator: "\n") where line.hasPrefix("  -") {
      // Two blanks end the names, or the line does.
      let head = line.dropFirst(2).components(separatedBy: "  ")[0]
      names.formUnion(head.split(whereSeparator: { " ,/".contains($0) }).map(String.init).filter(isOption))
    }
    return names
  }

  private func isOption(_ word: String) -> Bool { word.hasPrefix("-") }

  /// A section of the manual.
  private func section(_ name: String) throws -> [String] {
    let lines = try file("Documentation/nacre.1").components(separatedBy: "\n")
    let start = try #require(lines.firstIndex(of: ".Sh \(name)"))
    return Array(lines[(start + 1)...].prefix { !$0.hasPrefix(".Sh ") })
  }

  /// The options that a macro line names: `Fl -env` is `--env`.
  private func options(inMacros line: String) -> [String] {
    let words = line.split(separator: " ")
    return zip(words, words.dropFirst()).filter { $0.0 == "Fl" || $0.0 == ".Fl" }.map { "-\($0.1)" }
  }

  private func explained(in name: String) throws -> Set<String> {
    Set(try section(name).filter { $0.hasPrefix(".It ") }.flatMap(options(inMacros:)))
  }

  @Test func manualNamesEveryOption() throws {
    let known = options(inHelp: ServeOptions.helpMessage(columns: 200))
    #expect(known.count > 40 && known.isSuperset(of: ["-I", "-E", "--env", "--poll", "-d", "--help"]), "\(known)")
    // -v and -V are plackup's words for --version.
    #expect(try explained(in: "OPTIONS") == known.union(["-v", "-V"]))
  }

  @Test func synopsisHasEveryOption() throws {
    let named = try section("SYNOPSIS").flatMap(options(inMacros:))
    // Of an option with two names, one is enough there.
    for line in try section("OPTIONS") where line.hasPrefix(".It ") {
      let names = options(inMacros: line)
      let isThere = names.contains { named.contains($0) }
      #expect(isThere || names.contains("--version") || names.contains("--help"), "\(line)")
    }
    let known = options(inHelp: ServeOptions.helpMessage(columns: 200)).union([
      "--json", "--cold", "--trace", "-v", "-V",
    ])
    #expect(Set(named).subtracting(known).isEmpty)
  }

  @Test func manualNamesEveryOptionOfPlackupAndStarman() throws {
    let explained = try explained(in: "OPTIONS OF PLACKUP AND STARMAN").union(explained(in: "OPTIONS"))
    for name in OtherServersOption.all.flatMap(\.names) { #expect(explained.contains(name), "\(name)") }
  }

  @Test func manualNamesEveryCommandWithItsOptions() throws {
    let items = try section("SEE AND STEER").filter { $0.hasPrefix(".It Cm ") }
    for command in ControlCommands.all {
      let name = try #require(command.configuration.commandName?.split(separator: " ").last)
      let item = try #require(items.first { $0.hasPrefix(".It Cm \(name)") })
      let own = options(inHelp: command.helpMessage(columns: 200))
        .subtracting(["-p", "--port", "--control", "-h", "--help"])
      #expect(Set(options(inMacros: item)) == own, "\(name)")
    }
    #expect(items.count == ControlCommands.all.count)
  }

  @Test func tableOfTheReadmeNamesOnlyWhatExists() throws {
    let lines = try file("README.md").components(separatedBy: "\n")
    let start = try #require(lines.firstIndex(of: "| option | |"))
    let rows = lines[(start + 2)...].prefix { $0.hasPrefix("|") }
    #expect(rows.count > 20)
    let known = options(inHelp: ServeOptions.helpMessage(columns: 200))
    for row in rows {
      let words = row.split(whereSeparator: { " `|,.;()".contains($0) }).map(String.init)
      for option in words where isOption(option) { #expect(known.contains(option), "\(row)") }
    }
  }
}
