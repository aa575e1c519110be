import CLinux
import Equivalence
import Foundation
import Glibc
import Testing

/// Plays a story: after each edit the server must be what a fresh perl is.
final class StoryPlayer {
  /// Where server and fresh perl differ.
  struct Difference {
    /// The number of the edit, from 0.
    var edit: Int
    var lines: [String]
    /// Of what kind it is: a smaller story is to show the same, not something else.
    var kind: Substring { lines.first?.prefix { $0 != "\t" && $0 != ":" && $0 != "/" } ?? "" }
  }

  /// What was played.
  struct Outcome {
    var difference: Difference?
    /// How many edits were played.
    var edits = 0
    /// How often the code was good, and how often broken.
    var good = 0
    var broken = 0
    /// The generations that were made.
    var generations = 0
    /// How often the server was left alone; after how many of these it had files preloaded, and edited files loaded last.
    var rests = 0
    var preloaded = 0
    var hot = 0
    /// Why nothing is preloaded any more.
    var reason: String?
  }

  private let story: Story
  private let site: Site
  private var options: ServerOptions
  private let perl: String
  private var meetings = 0
  private var outcome = Outcome()
  /// Whether a worker may have loaded what is loaded lazily.
  private var isLazied = false
  /// What runs in production while the code is broken.
  private var lastGood: (Described, lazied: Described?)?

  private init(_ story: Story) throws {
    self.story = story
    site = try Site(story.files, include: ["early", "lib", FreshPerl.perlFiles])
    let vendor = try story.preloads ? VendorSite(site, vendor: story.libraries) : nil
    perl = vendor?.perl ?? Products.perl
    options = vendor?.options ?? (story.isProduction ? .production : .development)
    options.variables = ["SITE": site.path, "PERL_HASH_SEED": "0", "PLACK_ENV": options.environment]
  }

  /// Plays it up to the first difference, or to the end.
  static func play(_ story: Story) throws -> Outcome {
    let player = try StoryPlayer(story)
    // In production a server whose first load fails ends, as it should.
    if story.isProduction, case .failed = try player.freshPerl().result() { return Outcome(broken: 1) }
    try player.site.serve(player.options) { server in
      player.outcome.difference = try player.play(server)
      player.outcome.generations = server.log.components(separatedBy: "nacre: generation ").count
    }
    return player.outcome
  }

  private func play(_ server: Server) throws -> Difference? {
    if let lines = try compare(server) { return Difference(edit: -1, lines: lines + ["", "\(server)"]) }
    for (index, edit) in story.edits.enumerated() {
      do {
        if story.preloads, index == 0 || edit.rests, let lines = try rest(server) {
          return Difference(edit: index - 1, lines: lines + ["", "\(server)"])
        }
        outcome.edits = index + 1
        if let lines = try play(edit, server) { return Difference(edit: index, lines: lines + ["", "\(server)"]) }
      } catch { return Difference(edit: index, lines: ["\(error)", "\(server)"]) }
    }
    return nil
  }

  /// Leaves the server alone until it has found out what can be loaded first. Nobody must notice.
  private func rest(_ server: Server) throws -> [String]? {
    let preload = try server.settledPreload()
    outcome.rests += 1
    if preload["state"] as? String == "verified" { outcome.preloaded += 1 }
    if preload["state"] as? String == "off" { outcome.reason = preload["reason"] as? String }
    if (preload["hot"] as? [Any])?.isEmpty == false { outcome.hot += 1 }
    return try compare(server)
  }

  private func play(_ edit: Edit, _ server: Server) throws -> [String]? {
    for deed in edit.deeds { try site.perform(deed) }
    if !edit.then.isEmpty {
      // Somebody asks, so that in development the load is under way when the second part comes.
      let connection = try server.connect()
      try connection.request("GET", "/plain")
      usleep(UInt32(edit.pause))
      for deed in edit.then { try site.perform(deed) }
      _ = try connection.response()
    }
    if let lines = try compare(server) { return lines }
    for _ in 0..<edit.lazyRequests { _ = try server.ask("GET", "/lazy") }
    isLazied = isLazied || edit.lazyRequests > 0
    return nil
  }

  // MARK: Comparing

  /// What differs; nil if nothing does. In production it may take a while until nothing does.
  private func compare(_ server: Server) throws -> [String]? {
    let perl = try freshPerl()
    var answers = try probe(server)
    let fresh = try perl.result()
    var lines = differences(answers, fresh)
    if story.isProduction {
      _ = try eventually(within: 20) {
        if lines.isEmpty { return true }
        answers = try probe(server)
        lines = differences(answers, fresh)
        return lines.isEmpty
      }
    }
    if case .loaded(let described, let lazied) = fresh {
      lastGood = (described, lazied)
      outcome.good += 1
    } else {
      outcome.broken += 1
    }
    return lines.isEmpty ? nil : lines
  }

  private func freshPerl() throws -> FreshPerl {
    try FreshPerl(
      site, perl: perl,
      environment: site.controlVariables.merging(options.variables) { $1 }.merging(testEnvironment) { mine, _ in mine },
      lazily: isLazied || story.isProduction)
  }

  /// Asks both workers at once: each waits for the other.
  private func probe(_ server: Server) throws -> [Response] {
    meetings += 1
    let directory = site.notes + "/meeting\(meetings)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let connections = try (0..<2).map { _ in try server.connect() }
    for connection in connections {
      try connection.request("GET", "/probe?2,\(directory)", headers: ["Connection: close"])
    }
    return try connections.map { try $0.response() }
  }

  private func differences(_ answers: [Response], _ fresh: Fresh) -> [String] {
    switch fresh {
    case .failed(let message):
      guard story.isProduction else { return answers.flatMap { differences($0, message) } }
      guard let lastGood else { return ["the first load failed: \(message)"] }
      return differences(answers, lastGood, leavingOutLazy: true)
    case .loaded(let described, let lazied): return differences(answers, (described, lazied), leavingOutLazy: false)
    }
  }

  /// The page must say what perl says.
  private func differences(_ answer: Response, _ message: String) -> [String] {
    guard answer.status == 500 else { return ["- failed: \(message)", "+ status \(answer.status)"] }
    // @INC may hold subs, which perl names by their addresses.
    func plain(_ text: String) -> String { text.replacing(/\(0x[0-9a-f]+\)/, with: "(address)") }
    let said = plain(message).split(separator: "\n").filter {
      !$0.hasPrefix("BEGIN failed--compilation aborted at ") && !$0.hasPrefix("Compilation failed in require at ")
    }
    let page = plain(answer.text)
    let missing = said.filter { !page.contains($0) }
    return missing.isEmpty ? [] : missing.map { "- \($0)" } + answer.text.split(separator: "\n").map { "+ \($0)" }
  }

  private func differences(
    _ answers: [Response], _ fresh: (Described, lazied: Described?), leavingOutLazy: Bool
  ) -> [String] {
    var pids: Set<String> = []
    for answer in answers {
      guard answer.status == 200, let worker = Described(answer.body[...]) else {
        return ["- loaded", "+ status \(answer.status)"]
          + answer.text.split(separator: "\n").prefix(20).map { "+ \($0)" }
      }
      pids.insert(worker.pid)
      guard let expected = worker.isLazied ? fresh.lazied : fresh.0 else { return ["+ loaded lazily, unasked"] }
      let lines = worker.differences(from: expected, leavingOutLazy: leavingOutLazy)
      if !lines.isEmpty { return lines }
    }
    return pids.count == answers.count ? [] : ["one worker answered twice while the other should have: \(pids)"]
  }
}

extension Site {
  /// Does one thing of an edit.
  func perform(_ deed: Deed) throws {
    let files = FileManager.default
    switch deed {
    case .save(let file, let text, let saving): try save(file, text, saving)
    case .remove(let file): if files.fileExists(atPath: absolute(file)) { try remove(file) }
    case .rename(let file, let other):
      guard files.fileExists(atPath: absolute(file)) else { return }
      let target = absolute(other)
      try? files.createDirectory(
        atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      _ = Glibc.rename(absolute(file), target)
    case .touch(let file): if files.fileExists(atPath: absolute(file)) { utimensat(AT_FDCWD, absolute(file), nil, 0) }
    }
  }

  private func save(_ file: String, _ text: String, _ saving: Saving) throws {
    let isThere = FileManager.default.fileExists(atPath: absolute(file))
    switch saving {
    case .withBackup where isThere: try saveLikeVim(file, text)
    case .withLock where isThere: try saveLikeEmacs(file, text)
    case .replaced: try replace(file, text)
    case .moved:
      try write(notes + "/moved", text)
      try FileManager.default.createDirectory(
        atPath: (absolute(file) as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try rename(notes + "/moved", to: file)
    case .inParts:
      let half = text.index(text.startIndex, offsetBy: text.count / 2)
      try write(file, String(text[..<half]))
      let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: absolute(file)))
      try handle.seekToEnd()
      try handle.write(contentsOf: Data(text[half...].utf8))
      try handle.close()
    case .inPlace, .withBackup, .withLock: try write(file, text)
    }
  }
}
