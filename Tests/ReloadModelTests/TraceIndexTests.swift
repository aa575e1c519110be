import ReloadModel
import Testing

/// A disk in memory; it counts how often a content was hashed.
private final class MemoryDisk: Disk {
  var files: [String: Fingerprint] = [:]
  var directories: [String: UInt64] = [:]
  var unreadable: Set<String> = []
  private(set) var hashed = 0

  func fingerprint(of path: String, previous: Fingerprint?) -> FileState {
    if unreadable.contains(path) { return .unreadable(errno: 13) }
    guard let now = files[path] else { return .missing }
    if let previous, previous.sameStatus(as: now) { return .present(previous) }
    hashed += 1
    return .present(now)
  }

  func kind(of path: String) -> PathKind {
    files[path] != nil || unreadable.contains(path) ? .file : directories[path] != nil ? .directory : .missing
  }

  /// What `directories` says is the hash without locks.
  var locked: [String: UInt64] = [:]

  func listingHash(of directory: String, countingLocks: Bool) -> UInt64? {
    countingLocks ? locked[directory] ?? directories[directory] : directories[directory]
  }
}

/// A version of a file, saved at a time of its own unless said otherwise.
private func version(_ hash: UInt64, modified: Int64? = nil) -> Fingerprint {
  let time = modified ?? Int64(hash)
  return Fingerprint(device: 1, inode: 1, size: 1, modified: time, changed: time, hash: hash)
}

private func began(_ file: String, _ fingerprint: Fingerprint = version(1)) -> TraceEvent {
  .began(file: file, key: file, requester: "", line: 0, fingerprint: fingerprint)
}

private func disk(_ files: [String: Fingerprint]) -> MemoryDisk {
  let disk = MemoryDisk()
  disk.files = files
  return disk
}

private func changes(_ events: [TraceEvent], lazily: [TraceEvent] = [], on disk: MemoryDisk) -> Changes {
  var index = TraceIndex(LoadTrace(events), lazily: lazily)
  return index.changes(on: disk)
}

private func only(_ path: String, _ reason: Changes.Reason, _ position: Int = 0) -> Changes {
  Changes(loaded: [.init(path: path, reason: reason, position: position)])
}

@Test func unchangedFilesAreNoChange() {
  #expect(changes([began("/a"), began("/b")], on: disk(["/a": version(1), "/b": version(1, modified: 9)])).isEmpty)
}

@Test func otherContentGoneAndUnreadableFilesAreChanges() {
  #expect(changes([began("/a")], on: disk(["/a": version(2)])) == only("/a", .modified))
  #expect(changes([began("/a")], on: disk([:])) == only("/a", .gone))
  let forbidden = disk([:])
  forbidden.unreadable = ["/a"]
  #expect(changes([began("/a")], on: forbidden) == only("/a", .unreadable))
}

@Test func fileThatDiedInsideAnEvalCountsToo() {
  let events = [began("/a"), .ended(file: "/a", loaded: false, microseconds: 1)]
  #expect(changes(events, on: disk(["/a": version(2)])) == only("/a", .modified))
}

@Test func missingPathThatExistsNowHasAppeared() {
  let events = [began("/a"), .missing(path: "/b")]
  #expect(changes(events, on: disk(["/a": version(1), "/b": version(7)])) == only("/b", .appeared, 1))
  #expect(changes(events, on: disk(["/a": version(1)])).isEmpty)
}

@Test func missingPathAtWhichAnUnreadableFileStandsHasNotAppeared() {
  let forbidden = disk([:])
  forbidden.unreadable = ["/a"]
  #expect(changes([.missing(path: "/a")], on: forbidden).isEmpty)
}

@Test func whatTheLoadWroteItselfSaysNothingBeforeOrAfter() {
  let events: [TraceEvent] = [
    .missing(path: "/cache"), .written(path: "/cache"), .read(file: "/cache", fingerprint: version(1)),
    .read(file: "/tmp/x", fingerprint: version(1)), .written(path: "/tmp/x"),
  ]
  #expect(changes(events, on: disk(["/cache": version(2)])).isEmpty)
}

@Test func sourceFileThatTheLoadWroteItselfIsStillASourceFile() {
  let events = [TraceEvent.written(path: "/a"), began("/a"), .measured(path: "/a", fingerprint: version(1))]
  #expect(changes(events, on: disk(["/a": version(2)])) == only("/a", .modified, 1))
}

@Test func sourceThatTheLoadWroteLoadedAndRemovedIsNobodysConcern() {
  let events = [TraceEvent.written(path: "/tmp/a.pm"), began("/tmp/a.pm"), .written(path: "/tmp/a.pm")]
  #expect(changes(events, on: disk([:])).isEmpty)
}

@Test func sourceFileThatTheLoadRewroteAfterwardsIsStillASourceFile() {
  let events = [TraceEvent](repeating: .written(path: "/a"), count: 2)
  #expect(changes([began("/a")] + events, on: disk(["/a": version(2)])) == only("/a", .modified, 0))
}

@Test func readFileCountsByContentAndMeasuredFileByTimeToo() {
  let touched = disk(["/a": version(1, modified: 2)])
  #expect(changes([.read(file: "/a", fingerprint: version(1))], on: touched).isEmpty)
  #expect(changes([.measured(path: "/a", fingerprint: version(1))], on: touched) == only("/a", .retimed))
}

@Test func listingsAndTestsAreCompared() {
  let now = MemoryDisk()
  now.directories = ["/d": 2]
  #expect(changes([.listed(directory: "/d", hash: 1)], on: now) == only("/d", .relisted))
  #expect(changes([.listed(directory: "/d", hash: 2)], on: now).isEmpty)
  #expect(changes([.listed(directory: "/e", hash: 2)], on: now) == only("/e", .gone))
  now.locked = ["/d": 3]
  #expect(changes([.listed(directory: "/d", hash: 2)], on: now).isEmpty)
  #expect(changes([.listed(directory: "/d", hash: 3)], on: now).isEmpty)
  now.locked = [:]
  #expect(changes([.listed(directory: "/d", hash: 3)], on: now) == only("/d", .relisted))
  #expect(changes([.tested(path: "/d", kind: .missing)], on: now) == only("/d", .appeared))
  #expect(changes([.tested(path: "/d", kind: .file)], on: now) == only("/d", .kind))
  #expect(changes([.tested(path: "/e", kind: .directory)], on: now) == only("/e", .gone))
  #expect(changes([.tested(path: "/e", kind: .missing)], on: now).isEmpty)
}

@Test func pathCountsFromItsFirstPosition() {
  let events = [began("/x"), .measured(path: "/a", fingerprint: version(1)), began("/a"), began("/x")]
  let result = changes(events, on: disk(["/a": version(2), "/x": version(2)]))
  #expect(result.loaded.map(\.position) == [0, 1])
  #expect(result.firstPosition == 0)
}

@Test func fileSeenInTwoStatesIsUnstableWhateverTheDiskSays() {
  let current = disk(["/a": version(2)])
  #expect(changes([began("/a", version(1)), began("/a", version(2))], on: current) == only("/a", .unstable))
  #expect(changes([.missing(path: "/a"), began("/a", version(2))], on: current) == only("/a", .unstable))
  #expect(changes([began("/a", version(2)), began("/a", version(2, modified: 5))], on: current).isEmpty)
}

@Test func lazilyLoadedFilesAreToldApart() {
  let result = changes(
    [began("/a")], lazily: [began("/lazy"), began("/a")], on: disk(["/a": version(2), "/lazy": version(2)]))
  #expect(result.loaded == [.init(path: "/a", reason: .modified, position: 0)])
  #expect(result.lazily == [.init(path: "/lazy", reason: .modified, position: nil)])
  #expect(changes([], lazily: [began("/lazy")], on: disk([:])).firstPosition == nil)
}

@Test func onlyTheTouchedPathsAreLookedAt() {
  var index = TraceIndex(LoadTrace([began("/a"), began("/b")]))
  let now = disk(["/a": version(2), "/b": version(2)])
  #expect(index.changes(touching: ["/b", "/unknown"], on: now) == only("/b", .modified, 1))
}

@Test func touchedFileIsHashedOnce() {
  var index = TraceIndex(LoadTrace([began("/a")]))
  let now = disk(["/a": version(1, modified: 2)])
  for _ in 1...3 { #expect(index.changes(on: now).isEmpty) }
  #expect(now.hashed == 1)
}

@Test func putBackContentIsNoChange() {
  var index = TraceIndex(LoadTrace([began("/a")]))
  #expect(!index.changes(on: disk(["/a": version(2)])).isEmpty)
  #expect(index.changes(on: disk(["/a": version(1, modified: 3)])).isEmpty)
}

@Test func eventsAddedWhileLoadingContinueThePositions() {
  var index = TraceIndex()
  index.append(contentsOf: [began("/a")])
  index.append(contentsOf: [began("/b")])
  #expect(index.changes(on: disk(["/a": version(1)])) == only("/b", .gone, 1))
}

@Test func whatTheKernelMakesUpNeverChanges() {
  #expect(changes([.read(file: "/proc/self/status", fingerprint: version(1))], on: disk([:])).isEmpty)
}

@Test func librariesAreNotCompared() {
  #expect(changes([.library(file: "/usr/share/perl5/Moo.pm", key: "Moo.pm", microseconds: 1)], on: disk([:])).isEmpty)
}

@Test func rewindGoesToTheLastCheckpointBeforeTheChange() {
  #expect(rewindPosition(checkpoints: [0, 5, 9, 12], before: 9) == 9)
  #expect(rewindPosition(checkpoints: [12, 0, 5], before: 11) == 5)
  #expect(rewindPosition(checkpoints: [5], before: 4) == nil)
  #expect(rewindPosition(checkpoints: [], before: 4) == nil)
}

@Test func changedContentCountsFromWhereItWasReadNotFromWhereThePathWasTested() {
  let events: [TraceEvent] = [
    .tested(path: "/conf", kind: .file), began("/a"), .read(file: "/conf", fingerprint: version(1)),
  ]
  #expect(
    changes(events, on: disk(["/a": version(1), "/conf": version(2)])) == only("/conf", .modified, 2))
  #expect(changes(events, on: disk(["/a": version(1)])) == only("/conf", .gone, 0))
}

@Test func changedNamesCountFromWhereTheyWereListed() {
  let disk = disk(["/a": version(1)])
  disk.directories["/plugins"] = 2
  let events: [TraceEvent] = [
    .tested(path: "/plugins", kind: .directory), began("/a"), .listed(directory: "/plugins", hash: 1),
  ]
  #expect(changes(events, on: disk) == only("/plugins", .relisted, 2))
}

@Test func contentThatOnlyWorkersSawIsNoReasonToRewind() {
  let found = changes(
    [.tested(path: "/a", kind: .file)], lazily: [began("/a", version(1))], on: disk(["/a": version(2)]))
  #expect(found == Changes(lazily: [.init(path: "/a", reason: .modified, position: nil)]))
}
