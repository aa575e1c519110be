import FileWatching
import Glibc
import ReloadModel
import SourceFiles
import Testing

/// A small generator, so that a failure can be repeated.
private struct Sequence: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state ^ (state >> 29)
  }
}

/// Something a person or a tool does to files.
private func disturb(_ scratch: Scratch, _ random: inout Sequence) -> String {
  let directories = ["a", "a/b", "a/b/c", "d", "d/b", "link", "link/b"]
  let one = directories.randomElement(using: &random)!
  let other = directories.randomElement(using: &random)!
  let file = one + "/" + ["x.pm", "y.pm", "z.tt"].randomElement(using: &random)!
  let commands = [
    "mkdir -p \(one)", "rm -rf \(one)", "mv -T \(one) \(other)", "ln -sfn \(other) link",
    "ln -sfn \(other) \(one)/link",
    "rm -f link", "printf \(random.next() % 5) > \(file)", "printf \(random.next() % 5) > new; mv -T new \(file)",
    "rm -f \(file)", "ln -sf ../d/x.pm \(file)", "mkdir -p \(one) && printf 1 > \(file)", "touch \(file)",
    "cp -r \(one) copy && mv -T copy \(other)", "mkdir -p \(one)/b/c && printf 2 > \(one)/b/c/x.pm",
  ]
  let command = commands.randomElement(using: &random)!
  scratch.shell("cd \(scratch.path) && (\(command)) 2>/dev/null")
  return command
}

/// Whatever happens to the disk, the paths that events touch are all that has to be looked at.
@Test(arguments: 1...6)
func noChangeEscapesTheEvents(seed: Int) {
  let scratch = Scratch()
  var random = Sequence(state: UInt64(seed))
  for _ in 0..<10 { _ = disturb(scratch, &random) }
  let watched = ["a", "a/b", "a/b/c", "d", "d/b", "link", "link/b", "link/b/c", "a/link", "d/link/b"]
  var events: [TraceEvent] = []
  for directory in watched {
    for name in ["x.pm", "y.pm"] {
      let path = scratch(directory + "/" + name)
      events.append(fingerprint(of: path).fingerprint == nil ? .missing(path: path) : loaded(path))
    }
    let path = scratch(directory)
    events.append(.tested(path: path, kind: kind(of: path)))
    if let hash = listingHash(of: path) { events.append(.listed(directory: path, hash: hash)) }
  }
  let watcher = Watcher()
  watcher.watch(
    trace: LoadTrace(events), rules: WatchRules(libraryDirectories: []), roots: [scratch.path],
    patterns: RespawnPatterns())
  var seen = TraceIndex(LoadTrace(events))
  var before = Set(seen.changes(on: LocalDisk()).all.map(Difference.init))
  var templates = templateContents(scratch)
  for step in 1...60 {
    let command = disturb(scratch, &random)
    let findings = watcher.drain()
    let after = Set(seen.changes(on: LocalDisk()).all.map(Difference.init))
    let differing = Set(before.symmetricDifference(after).map(\.path))
    #expect(differing.isSubset(of: findings.touched), "seed \(seed), step \(step): \(command)")
    let now = templateContents(scratch)
    let changed = Set(now.keys).union(templates.keys).filter { now[$0] != templates[$0] }
    #expect(Set(changed).isSubset(of: findings.patternFiles), "seed \(seed), step \(step): \(command)")
    (before, templates) = (after, now)
  }
}

private struct Difference: Hashable {
  var path: String
  var reason: Changes.Reason
  init(_ change: Changes.Change) { (path, reason) = (change.path, change.reason) }
}

/// The templates in directories that are reached without links, with their contents.
private func templateContents(_ scratch: Scratch) -> [String: UInt64] {
  var contents: [String: UInt64] = [:]
  for name in ["a", "a/b", "a/b/c", "d", "d/b"] {
    let path = scratch(name + "/z.tt")
    guard realPath(of: scratch(name)) == scratch(name) else { continue }
    if let fingerprint = fingerprint(of: path).fingerprint { contents[path] = fingerprint.hash }
  }
  return contents
}
