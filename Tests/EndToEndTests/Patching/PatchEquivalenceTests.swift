import Equivalence
import Foundation
import Testing

/// Made-up applications, edited at random: after each patch the code is that of a fresh start, and after each failed one
/// everything is as it was before. `make fuzz-patch EDITS=n SEED=s` plays others than these.
@Suite(.lane) struct PatchEquivalenceTests {
  static let seeds: [UInt64] = {
    let variables = ProcessInfo.processInfo.environment
    let first = variables["SEED"].flatMap { UInt64($0) } ?? 1
    let edits = variables["EDITS"].flatMap { Int($0) } ?? 100
    // Without classes of Moo and libraries of the story.
    return Array((first...).lazy.filter { [1, 2, 3, 4, 7].contains($0 % 10) }.prefix((edits + length - 1) / length))
  }()
  private static let length = 25

  @Test(.slow, arguments: seeds) func codeIsThatOfAFreshStart(_ seed: UInt64) throws {
    let player = try PatchPlayer(Story(seed: seed, edits: Self.length))
    let outcome = try player.play()
    if ProcessInfo.processInfo.environment["SEED"] != nil {
      FileHandle.standardError.write(Data("fuzz-patch: seed \(seed): \(outcome)\n".utf8))
    }
    if !outcome.difference.isEmpty {
      Issue.record("seed \(seed): \(outcome)\n\(outcome.difference.prefix(40).joined(separator: "\n"))")
    }
  }
}

/// Plays a story in a plain perl that patches itself.
final class PatchPlayer {
  struct Outcome: CustomStringConvertible {
    var patched = 0
    var failed = 0
    var refused: [String] = []
    var passedOver = 0
    var difference: [String] = []
    var description: String {
      "\(difference.isEmpty ? "equal" : "DIFFERS"), \(patched) patched, \(failed) taken back, \(refused.count) refused "
        + "\(Set(refused)), \(passedOver) passed over"
    }
  }

  private let story: Story
  private let site: Site
  private let roots: String
  private static let scenarios = Products.sourceTree + "/Tests/EndToEndTests/Patching/Scenarios"

  init(_ story: Story) throws {
    self.story = story
    site = try Site(story.files, include: ["early", "lib"])
    let application = story.files["app.psgi"] ?? ""
    roots = application.split(separator: "\n").filter { $0.hasPrefix("use A::") }
      .map { $0.dropFirst(4).prefix { $0 != " " } }.joined(separator: ",")
  }

  func play() throws -> Outcome {
    var outcome = Outcome()
    guard case .loaded = try fresh() else { return outcome }
    let to = site.notes + "/patched"
    try FileManager.default.createDirectory(atPath: to, withIntermediateDirectories: true)
    let child = try ChildProcess(
      command(["-MNacre"], to: to), directory: site.path, environment: environment, output: to + "/output",
      errors: to + "/errors")
    defer { child.killSession() }
    var before = try described(to + "/out.0", child)
    var number = 0
    for (index, edit) in story.edits.enumerated() {
      let deeds = edit.deeds + edit.then
      guard deeds.allSatisfy(isInPlace) else {
        outcome.passedOver += 1
        continue
      }
      for deed in deeds { try site.perform(deed) }
      number += 1
      try site.write(to + "/go.\(number)", "go")
      let after = try described(to + "/out.\(number)", child)
      defer { before = after }
      switch after.told.prefix(while: { $0 != " " }) {
      case "failed":
        outcome.failed += 1
        outcome.difference = differences(after.lines.filter(isState), before.lines.filter(isState))
      case "refused", "waiting": outcome.refused.append(after.told)
      default:
        if after.told.hasPrefix("ok") { outcome.patched += 1 }
        guard case .loaded(let lines) = try fresh() else { continue }
        let known = Set(lines.filter { $0.hasPrefix("inc\t") }.map { String($0.split(separator: "\t")[1]) })
        outcome.difference = differences(
          after.lines.filter { isCode($0) && isOfLoaded($0, known) }, lines.filter(isCode))
      }
      if !outcome.difference.isEmpty {
        outcome.difference.insert("edit \(index) (\(number)) \(edit.name): \(after.told)", at: 0)
        outcome.difference += deeds.map { "\($0.paths)" }
        if let keep = ProcessInfo.processInfo.environment["KEEP"] {
          try? FileManager.default.copyItem(atPath: site.path, toPath: keep)
        }
        return outcome
      }
    }
    try site.write(to + "/go.\(number + 1)", "end")
    return outcome
  }

  /// Whether it changes a module or a file without package that is there and would be found again.
  private func isInPlace(_ deed: Deed) -> Bool {
    guard case .save(let path, _, _) = deed else { return if case .touch = deed { true } else { false } }
    return path.hasPrefix("lib/") && FileManager.default.fileExists(atPath: site.absolute(path))
  }

  private enum Fresh { case loaded([Substring]), failed(String) }

  private func fresh() throws -> Fresh {
    let to = site.notes + "/fresh"
    try? FileManager.default.removeItem(atPath: to)
    try FileManager.default.createDirectory(atPath: to, withIntermediateDirectories: true)
    let run = try Command.run(command([], to: to, "fresh=1"), directory: site.path, environment: environment)
    let lines = contents(of: to + "/out.0").split(separator: "\n")
    guard let told = lines.first, told == "loaded" else { return .failed(lines.first.map(String.init) ?? run.errors) }
    return .loaded(Array(lines.dropFirst()))
  }

  private var environment: [String: String] {
    testEnvironment.merging([
      "NACRE_LIBRARY": Products.directory + "/libNacre.so", "PERL_HASH_SEED": "0", "SITE": site.path,
    ]) { $1 }
  }

  private func command(_ options: [String], to: String, _ more: String...) -> [String] {
    let include = [
      "early", "lib", Products.sourceTree + "/perl/lib", Self.scenarios,
      Products.sourceTree + "/Tests/Equivalence/perl",
    ]
    return [Products.perl] + include.flatMap { ["-I", $0] } + options
      + ["-MProbe", "-MStory", "-e", "play()", "to=\(to)", "site=\(site.path)", "roots=\(roots)"] + more
  }

  private func described(_ file: String, _ child: ChildProcess) throws -> (told: String, lines: [Substring]) {
    guard eventually(within: 60, { FileManager.default.fileExists(atPath: file) || child.ended() != nil }),
      FileManager.default.fileExists(atPath: file)
    else { throw Stuck("perl has ended: \(contents(of: (file as NSString).deletingLastPathComponent + "/errors"))") }
    let lines = contents(of: file).split(separator: "\n")
    return (String(lines.first ?? ""), Array(lines.dropFirst()))
  }

  /// Subs, formats, method resolution, parents and exports.
  private func isCode(_ line: Substring) -> Bool {
    let words = line.split(separator: "\t", maxSplits: 2)
    guard words.count > 1, !words[1].contains("Nacre::"), !words[1].hasPrefix("$Probe::lazy"),
      words[1].contains("A::") || words[1].contains("main::plain")
    else { return false }
    // Subs in variables are state; modules of a hook in @INC have no file.
    if words[0] == "sub" { return words[1].hasPrefix("&") && !line.contains(" of /loader/") }
    if ["format", "mro"].contains(words[0]) { return true }
    return ["ISA", "EXPORT", "EXPORT_OK"].contains { words[1].contains("::\($0)[") || words[1].contains("::\($0)->[") }
  }

  /// Whether it is about a file or a package that a fresh start has loaded, too: what nobody asks for any more stays.
  private func isOfLoaded(_ line: Substring, _ known: Set<String>) -> Bool {
    if let place = line.firstMatch(of: /\t.* of (?:lib|more|early)\/(\S+) .*\{/) {
      return known.contains(String(place.1))
    }
    guard let package = line.firstMatch(of: /\t[$@%&](A::\w+)::EXPORT_OK/) else { return true }
    return known.contains(package.1.replacing("::", with: "/") + ".pm")
  }

  /// What belongs to the application's modules. Left out: what all of them write to, handles that the load has opened
  /// again, and what other modules remember.
  private func isState(_ line: Substring) -> Bool {
    let others = [
      "Nacre::", "$main::order", "@main::order", "main::SIG", "A::Compose::", "A::Registry::", "constant::declared",
      "Exporter::Cache",
    ]
    return (line.contains("A::") || line.contains("main::plain")) && !line.hasPrefix("handle\t")
      && !others.contains { line.contains($0) }
  }

  private func differences(_ mine: [Substring], _ other: [Substring]) -> [String] {
    // Where B::Deparse says in which line a block ends depends on how much has been compiled before.
    let deleted = " (deleted)"
    let constant = /&\S+::(?=C\d+\t\(\) constant)/
    // Grows with each library that registers warnings of its own.
    let bits = /BEGIN \{\$\{\^WARNING_BITS\} = "[^"]*"\}/
    let place = /#line \d+ "[^"]*"\\n/
    let (mine, other) = (
      Set(
        mine.map {
          $0.replacing(place, with: "").replacing(deleted, with: "").replacing(constant, with: "&").replacing(
            bits, with: "")
        }),
      Set(
        other.map {
          $0.replacing(place, with: "").replacing(deleted, with: "").replacing(constant, with: "&").replacing(
            bits, with: "")
        })
    )
    let lines =
      other.subtracting(mine).map { ($0, "- \($0)") } + mine.subtracting(other).map { ($0, "+ \($0)") }
    return lines.sorted { $0.0 < $1.0 }.map(\.1)
  }
}
