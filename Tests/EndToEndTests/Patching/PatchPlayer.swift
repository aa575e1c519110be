import Equivalence
import Foundation

/// Plays a story in a plain perl that patches itself, and beside it a perl that starts anew after each edit.
///
/// Every edit is done. Where no patch is to carry one (``PatchTally/Reason``), the program is started again, as its user
/// would do, so that what follows is played from where the story is.
final class PatchPlayer {
  private let story: Story
  private let site: Site
  /// The program, while it runs, and what it was when it was looked at last.
  private var program: PatchedPerl?
  private var before = PatchDescription()
  /// Starts anew with each step.
  private var fresh: PatchedPerl
  private var starts = 0
  /// What was said when a patch was taken back last.
  private var failure = ""
  /// The keys of the files that the program has compiled half, in the middle of a circle, and not loaded again since: the
  /// circle may be gone.
  private var halfCompiled: Set<Substring> = []
  /// The keys of the files that were saved while the program had not loaded them.
  private var unseen: Set<String> = []

  init(_ story: Story) throws {
    self.story = story
    site = try Site(story.files, include: ["early", "lib"])
    fresh = try PatchedPerl(site, name: "fresh", isFresh: true)
  }

  /// Plays it up to the first difference, or to the end.
  func play() throws -> PatchTally {
    var tally = PatchTally()
    try start()
    for (index, edit) in story.edits.enumerated() {
      let deeds = edit.deeds + edit.then
      let roots = PatchedPerl.roots(site)
      let replaces = deeds.contains(where: changesSearch)
      noteUnseen(deeds)
      for deed in deeds { try site.perform(deed) }
      var lines: [String] = []
      if program == nil {
        try start()
        tally.passOver(.hasNotStarted)
      } else if PatchedPerl.roots(site) != roots || replaces {
        try start()
        tally.passOver(replaces ? .searchPath : .mainProgram)
      } else {
        lines = try step(&tally)
      }
      if ProcessInfo.processInfo.environment["STEPS"] != nil { print("  edit \(index) \(edit): \(before.told)") }
      if !lines.isEmpty {
        tally.difference = ["edit \(index) \(edit)"] + lines
        if let keep = ProcessInfo.processInfo.environment["KEEP"] {
          try? FileManager.default.copyItem(atPath: site.path, toPath: keep)
        }
        break
      }
    }
    if tally.difference.isEmpty {
      let lines = try look()
      if !lines.isEmpty { tally.difference = ["after the last edit"] + lines }
    }
    program?.end()
    fresh.end()
    return tally
  }

  /// Starts the program as the files are now, if a fresh start loads them.
  private func start() throws {
    program?.end()
    program = nil
    unseen = []
    halfCompiled = []
    try fresh.begin(PatchedPerl.roots(site))
    guard try fresh.described().told == "loaded" else { return }
    starts += 1
    let program = try PatchedPerl(site, name: "program\(starts)", isFresh: false)
    before = try program.described()
    halfCompiled = before.halfCompiled(AskedFiles(of: before.loaded, in: site).inCircles)
    self.program = program
  }

  /// Has the program patch itself, and compares. What differs.
  private func step(_ tally: inout PatchTally) throws -> [String] {
    guard let program else { return [] }
    try program.begin("check")
    guard var after = try described(program) else {
      try start()
      tally.passOver(.hasEnded)
      return self.program == nil ? [] : ["the program has ended, and a fresh start loads"]
    }
    if after.isBrief { after = before.telling(after.told) }
    let lines = try compare(after, &tally)
    before = after
    return lines.isEmpty ? [] : [after.told] + lines
  }

  /// Nil if the program has ended: what it loads for the first time may call `exit`, as in a fresh start.
  private func described(_ program: PatchedPerl) throws -> PatchDescription? {
    do { return try program.described() } catch {
      if program.hasExited { return nil }
      throw error
    }
  }

  private func compare(_ after: PatchDescription, _ tally: inout PatchTally) throws -> [String] {
    if after.told == "none:" {
      // What it should have seen shows with the next patch.
      tally.untouched += 1
      return []
    }
    try fresh.begin(PatchedPerl.roots(site))
    let fresh = try fresh.described()
    switch after.told.prefix(while: { $0 != ":" }) {
    case "patched":
      guard fresh.told == "loaded" else {
        guard let reason = reason(fresh, after) else { return ["a fresh start \(fresh.told)"] }
        tally.passOver(reason)
        return []
      }
      tally.patched += 1
      return differences(after, fresh)
    case "none":
      // What was taken back waits for another save of what it asked for.
      tally.untouched += 1
      return isBroken(failure, fresh) || failure.contains(/no directory|no plugins/) ? [] : ["a fresh start loads"]
    case "failed":
      tally.takenBack += 1
      failure = after.told
      let lines = PatchDescription.differences(after.state, before.state)
      return isBroken(failure, fresh) ? lines : lines + ["a fresh start loads"]
    default:
      tally.refusals[after.told, default: 0] += 1
      return PatchDescription.differences(after.state, before.state)
    }
  }

  /// Compares with a fresh start although nothing was patched.
  private func look() throws -> [String] {
    guard let program, before.told == "none:" else { return [] }
    try program.begin("look")
    try fresh.begin(PatchedPerl.roots(site))
    let (mine, fresh) = (try program.described(), try fresh.described())
    return fresh.told == "loaded" ? differences(mine, fresh) : []
  }

  private func differences(_ mine: PatchDescription, _ fresh: PatchDescription) -> [String] {
    let asked = AskedFiles(of: mine.loaded, in: site)
    halfCompiled.subtract(mine.told.split(separator: " ").dropFirst())
    halfCompiled.formUnion(mine.halfCompiled(asked.inCircles))
    return mine.codeDiffers(from: fresh, unseen: unseen, asked: asked, halfCompiled: halfCompiled)
  }

  /// Whether a fresh start cannot load one of the files that a failure names: it may go on without one that only
  /// somebody's `eval` asks for, or that nobody asks for any more.
  private func isBroken(_ told: String, _ fresh: PatchDescription) -> Bool {
    // `do` tells nobody but `$@`.
    fresh.told != "loaded" || told.contains(/\ at \.\/conf\/\S+ line/)
      || told.matches(of: /A\/\S+?\.pm|plain\d+\.pl|\.\/conf\/\S+?\.pl/).contains { fresh.loaded[String($0.0)] == nil }
  }

  /// Why a fresh start may fail although the program runs on; nil if there is no reason.
  private func reason(_ fresh: PatchDescription, _ after: PatchDescription) -> PatchTally.Reason? {
    if let key = fresh.told.firstMatch(of: /Can't locate (\S+) in/), after.loaded[String(key.1)] != nil {
      return .isGone
    }
    if fresh.told.contains(/no directory|no plugins/) { return .isNotFollowed }
    if let file = fresh.told.firstMatch(of: /\ at (?:lib|early|more)\/(\S+) line/), after.loaded[String(file.1)] == nil
    {
      return .isNotFollowed
    }
    // One that is not wholly there yet, in a fresh start, as another one calls its methods or imports its subs.
    if let call = fresh.told.firstMatch(
      of: /Can't locate object method "\w+" via package "(A::M\d+)" at \w+\/(\S+) line/)
      ?? fresh.told.firstMatch(of: /"\w+" is not exported by the (A::M\d+) module.*? at \w+\/(\S+) line/)
    {
      let circles = AskedFiles(of: after.loaded, in: site).inCircles
      let used = String(call.1).replacing("::", with: "/") + ".pm"
      if circles.contains(used), circles.contains(String(call.2)) { return .isCircle }
    }
    return nil
  }

  /// Whether perl would find another file than the one that is loaded.
  private func changesSearch(_ deed: Deed) -> Bool {
    func key(_ path: String) -> Substring? {
      path.hasPrefix("early/") ? path.dropFirst(6) : path.hasPrefix("lib/") ? path.dropFirst(4) : nil
    }
    func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: site.absolute(path)) }
    func comes(_ path: String) -> Bool {
      guard path.hasPrefix("early/"), !isThere(path), let key = key(path) else { return false }
      return before.loaded[String(key)] == "lib/\(key)"
    }
    func goes(_ path: String) -> Bool {
      guard path.hasPrefix("early/"), let key = key(path) else { return false }
      return before.loaded[String(key)] == path && isThere("lib/\(key)")
    }
    return switch deed {
    case .save(let path, _, _): comes(path)
    case .remove(let path): goes(path)
    case .rename(let path, let other): goes(path) || comes(other)
    case .touch: false
    }
  }

  private func noteUnseen(_ deeds: [Deed]) {
    for path in deeds.flatMap(\.paths) {
      let key = path.split(separator: "/").dropFirst().joined(separator: "/")
      if before.loaded[key] == nil { unseen.insert(key) }
    }
  }
}
