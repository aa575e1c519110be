import Foundation

/// A perl that plays a made-up application's edits (`Tests/Equivalence/perl/Patched.pm`): one that patches itself in each step,
/// or one of which each step is a fresh start.
final class PatchedPerl {
  private let child: ChildProcess
  private let directory: String
  private var step = 0

  init(_ site: Site, name: String, isFresh: Bool) throws {
    directory = "\(site.notes)/\(name)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let include = ["early", "lib", Products.sourceTree + "/perl/lib", Products.sourceTree + "/Tests/Equivalence/perl"]
    child = try ChildProcess(
      [Products.perl] + include.flatMap { ["-I", $0] } + (isFresh ? [] : ["-MNacre"])
        + ["-MProbe", "-MPatched", "-e", "play()", "to=\(directory)", "site=\(site.path)"]
        + (isFresh ? ["fresh=1"] : ["roots=\(Self.roots(site))"]),
      directory: site.path,
      environment: testEnvironment.merging([
        "NACRE_LIBRARY": Products.directory + "/libNacre.so", "PERL_HASH_SEED": "0", "SITE": site.path,
      ]) { $1 },
      output: directory + "/output", errors: directory + "/errors")
  }

  deinit { child.killSession() }

  /// The modules that the application's main program uses, separated by commas.
  static func roots(_ site: Site) -> String {
    site.read("app.psgi").split(separator: "\n").filter { $0.hasPrefix("use A::") }
      .map { $0.dropFirst(4).prefix { $0 != " " } }.joined(separator: ",")
  }

  /// Begins the next step.
  func begin(_ text: String) throws {
    step += 1
    let go = "\(directory)/go.\(step)"
    try Data(text.utf8).write(to: URL(fileURLWithPath: go + ".part"))
    guard rename(go + ".part", go) == 0 else { throw Stuck("cannot write \(go)") }
  }

  /// What it is after the step that was begun last; before any of them, after its load.
  func described() throws -> PatchDescription {
    let file = "\(directory)/out.\(step)"
    guard eventually(within: 60, { access(file, F_OK) == 0 || child.ended() != nil }), access(file, F_OK) == 0
    else {
      throw Stuck(
        "perl has ended (\(child.ended().map { "\($0)" } ?? "late"), step \(step) in \(directory)): \(contents(of: directory + "/errors"))"
      )
    }
    defer { unlink(file) }
    return PatchDescription(contents(of: file))
  }

  /// Whether it has ended by itself, without a signal.
  var hasExited: Bool { if case .code = child.ended() { true } else { false } }

  /// Has it end.
  func end() { child.killSession() }
}

/// What `Patched.pm` has written down of a process.
struct PatchDescription {
  /// What it says has happened: `patched: A/M1.pm`.
  var told = ""
  /// The application's entries of `%INC`: `["A/M1.pm": "lib/A/M1.pm"]`.
  var loaded: [String: String] = [:]
  /// What is to equal a fresh start, and the keys of the files that it comes from.
  private(set) var code: [(files: Substring, line: Substring)] = []
  /// What is to be as before when a patch has failed.
  private(set) var state: [Substring] = []
  /// Whether it says only what has happened: nothing.
  var isBrief: Bool { state.isEmpty }

  init() {}

  init(_ text: String) {
    let lines = text.split(separator: "\n")
    told = lines.first.map(String.init) ?? ""
    for line in lines.dropFirst() {
      let words = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false)
      guard words.count == 3 else { continue }
      if words[0] == "inc" {
        // Without a path it is one that could not be compiled.
        if words[2].first == "'" { loaded[String(words[1])] = words[2].trimmingCharacters(in: ["'"]) }
        state.append(line)
      } else {
        if words[0].first == "c" { code.append((words[1], words[2])) }
        if words[0].last == "s" { state.append(words[2]) }
      }
    }
  }

  /// The same, with something else to tell.
  func telling(_ told: String) -> PatchDescription {
    var other = self
    other.told = told
    return other
  }

  /// The lines that only one has: those of the other one with `-`.
  static func differences(_ mine: [Substring], _ other: [Substring]) -> [String] {
    if mine == other { return [] }
    let (mine, other) = (Set(mine), Set(other))
    let lines = other.subtracting(mine).map { ($0, "- \($0)") } + mine.subtracting(other).map { ($0, "+ \($0)") }
    return lines.sorted { $0.0 < $1.0 }.map(\.1)
  }
}
