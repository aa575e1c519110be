import Foundation

/// What an application tells of a process, as `Probe.pm` writes it: its census, and what everything in it answers.
struct Described: Equatable {
  var pid: String
  /// Whether what is loaded lazily has been loaded.
  var isLazied: Bool
  /// Everything but the first line, which tells these two.
  var lines: ArraySlice<UInt8>

  /// Nil if this is something else.
  init?(_ bytes: ArraySlice<UInt8>) {
    guard bytes.starts(with: Array("worker ".utf8)), let end = bytes.firstIndex(of: 10) else { return nil }
    let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
    guard words.count == 3 else { return nil }
    (pid, isLazied, lines) = (String(words[1]), words[2] == "1", bytes[(end + 1)...])
  }

  /// The lines that only one of two has: `- fresh` and `+ worker`.
  func differences(from fresh: Described, leavingOutLazy: Bool = false) -> [String] {
    if lines == fresh.lines { return [] }
    let (mine, other) = (set(leavingOutLazy), fresh.set(leavingOutLazy))
    let (lost, added) = (other.subtracting(mine), mine.subtracting(other))
    return (lost.map { ($0, "- \($0)") } + added.map { ($0, "+ \($0)") }).sorted { $0.0 < $1.0 }.map(\.1)
  }

  private func set(_ leavingOutLazy: Bool) -> Set<Substring> {
    let text = String(decoding: lines, as: UTF8.self)
    return Set(
      text.split(separator: "\n").filter { !leavingOutLazy || !($0.hasPrefix("answer\t") && $0.contains("\tlazily\t")) }
    )
  }
}

/// What a perl that starts now makes of the files.
enum Fresh {
  /// Described as loaded, and after what is loaded lazily if that was asked for.
  case loaded(Described, lazied: Described?)
  /// perl's message.
  case failed(String)
}

/// A perl that starts now, on its way.
struct FreshPerl {
  static let perlFiles = Products.sourceTree + "/Tests/Equivalence/perl"
  private let process: ChildProcess
  private let scratch: Scratch

  /// Starts it. The processor has other things to do meanwhile.
  init(_ site: Site, perl: String = Products.perl, environment: [String: String], lazily: Bool) throws {
    scratch = try Scratch()
    let library = Products.sourceTree + "/perl/lib"
    process = try ChildProcess(
      [
        perl, "-I\(library)", "-MNacre::Host", "-e",
        "require '\(Self.perlFiles)/Fresh.pm'; Nacre::Host::start_fresh()", "--", "own=\(library)",
        "file=\(site.absolute("app.psgi"))", "include=\(site.include.joined(separator: ","))", "to=\(scratch.path)/to",
        "lazily=\(lazily ? 1 : 0)",
      ], directory: site.path, environment: environment, output: scratch.path + "/output",
      errors: scratch.path + "/errors")
  }

  /// What it found.
  func result() throws -> Fresh {
    guard process.waitForEnd(within: 60) != nil else {
      process.killSession()
      throw Stuck("a fresh perl takes more than a minute")
    }
    let bytes = [UInt8](FileManager.default.contents(atPath: scratch.path + "/to") ?? Data())
    if bytes.isEmpty { return .failed("exit was called") }
    guard let loaded = Described(bytes[...]) else {
      return .failed(String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst().joined(separator: "\n"))
    }
    guard let second = loaded.lines.firstRange(of: Array("\nworker ".utf8)) else { return .loaded(loaded, lazied: nil) }
    var first = loaded
    first.lines = loaded.lines[...second.lowerBound]
    return .loaded(first, lazied: Described(loaded.lines[(second.lowerBound + 1)...]))
  }
}
