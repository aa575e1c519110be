import ReloadModel
import Testing

private func began(_ file: String) -> TraceEvent {
  .began(
    file: file, key: file, requester: "", line: 0,
    fingerprint: Fingerprint(device: 0, inode: 0, size: 0, modified: 0, changed: 0, hash: 0))
}

private func ended(_ file: String, _ milliseconds: UInt64) -> TraceEvent {
  .ended(file: file, loaded: true, microseconds: milliseconds * 1000)
}

/// `/app` that loads files one after the other, each of which takes so many milliseconds.
private func row(_ files: [(String, UInt64)]) -> LoadTrace {
  let inner = files.flatMap { [began($0.0), ended($0.0, $0.1)] }
  return LoadTrace([began("/app")] + inner + [ended("/app", files.map(\.1).reduce(0, +))])
}

@Test func firstWatchedFileAlwaysGetsACheckpoint() {
  #expect(LoadPlan(like: row([("/a", 1)]), maximum: 16).files == ["/app"])
}

@Test func checkpointsDivideTheLoadTimeEvenly() {
  let trace = row((0..<16).map { ("/f\($0)", 10) })
  #expect(LoadPlan(like: trace, maximum: 4).files == ["/app", "/f4", "/f8", "/f12"])
}

@Test func onlyTheSlowPartIsDivided() {
  let trace = row([("/a", 1), ("/b", 1), ("/slow", 100), ("/c", 1), ("/d", 1)])
  #expect(LoadPlan(like: trace, maximum: 16).files == ["/app", "/slow", "/c"])
}

@Test func longLoadIsDividedLessOften() {
  // 11 ms are worth a checkpoint where the load takes 22, not where it takes 176.
  #expect(LoadPlan(like: row([("/a", 11), ("/b", 11)]), maximum: 16).files == ["/app", "/b"])
  let files = LoadPlan(like: row((0..<16).map { ("/f\($0)", 11) }), maximum: 16).files
  #expect(files == ["/app", "/f4", "/f8", "/f12"])
}

@Test func lastEditedFilesComeFirst() {
  let trace = row((0..<16).map { ("/f\($0)", 10) })
  let plan = LoadPlan(like: trace, maximum: 4, lastEdited: ["/f3", "/gone", "/f15", "/f14", "/f13"])
  #expect(plan.files.contains("/app"))
  #expect(plan.files.contains("/f3"))
  #expect(plan.files.contains("/f15"))
  #expect(!plan.files.contains("/f14"))
  #expect(plan.files.count == 4)
  #expect(plan.interval == 0)
}

@Test func libraryTimeSeparatesTheFilesAroundIt() {
  let trace = LoadTrace([
    began("/app"), .library(file: "/usr/Moo.pm", key: "Moo.pm", microseconds: 80_000), began("/a"), ended("/a", 1),
    began("/b"), ended("/b", 1), ended("/app", 90),
  ])
  #expect(LoadPlan(like: trace, maximum: 2).files == ["/app", "/a"])
}

private let nothing = Fingerprint(device: 0, inode: 0, size: 0, modified: 0, changed: 0, hash: 0)

@Test func directoriesThatAreListedAndFilesThatAreReadDivideTheLoad() {
  let trace = LoadTrace([
    began("/app"), .library(file: "/usr/Moo.pm", key: "Moo.pm", microseconds: 80_000),
    .listed(directory: "/plugins", hash: 1), began("/plugins/a"), ended("/plugins/a", 1), ended("/app", 90),
  ])
  #expect(LoadPlan(like: trace, maximum: 2).files == ["/app", "/plugins"])
}

@Test func editedFileGetsACheckpointBeforeAnythingThatLookedIntoIt() {
  let trace = LoadTrace([
    began("/app"), .tested(path: "/plugins/a", kind: .file), began("/b"), ended("/b", 1),
    .listed(directory: "/plugins", hash: 1), .measured(path: "/plugins/a", fingerprint: nothing),
    .read(file: "/conf", fingerprint: nothing), began("/plugins/a"), ended("/plugins/a", 1), ended("/app", 2),
  ])
  #expect(LoadPlan(like: trace, maximum: 16, lastEdited: ["/plugins/a"]).files == ["/app", "/plugins"])
  #expect(LoadPlan(like: trace, maximum: 16, lastEdited: ["/conf"]).files == ["/app", "/conf"])
}

@Test func loadThatWasLeftByAnExceptionIsClosed() {
  let trace = LoadTrace([began("/app"), began("/a"), began("/b"), ended("/a", 20), began("/c"), ended("/app", 40)])
  #expect(LoadPlan(like: trace, maximum: 2).files == ["/app", "/c"])
}

@Test func planOfARewindSharesOutWhatTheCheckpointsBeforeItLeave() {
  let trace = row((1...16).map { ("/f\($0)", 10) })
  let position = trace.events.firstIndex { $0.path == "/f9" }!
  #expect(LoadPlan(like: trace, from: position, standing: 3, maximum: 4).files == ["/f13"])
  #expect(LoadPlan(like: trace, from: position, standing: 4, maximum: 4).files.isEmpty)
  let edited = LoadPlan(like: trace, from: position, standing: 4, maximum: 4, lastEdited: ["/f11", "/f2"])
  #expect(edited.files == ["/f11"])
}

@Test func emptyTraceOrNoCheckpointsIsAnEmptyPlan() {
  #expect(LoadPlan(like: LoadTrace(), maximum: 16).files.isEmpty)
  #expect(LoadPlan(like: row([("/a", 10)]), maximum: 0).files.isEmpty)
}

/// Loads files one after the other, each taking 1 ms; the positions that stand at the end.
private func load(_ count: Int, _ spacing: inout CheckpointSpacing) -> [Int] {
  var standing = Set(spacing.positions)
  for position in 0..<count {
    let time = UInt64(position) * 1000
    guard spacing.wantsCheckpoint(before: "/f\(position)", position: position, at: time) else { continue }
    standing.insert(position)
    standing.subtract(spacing.left(before: "/f\(position)", position: position, at: time))
  }
  #expect(standing == Set(spacing.positions))
  return spacing.positions
}

@Test func firstLoadSpreadsCheckpointsAndKeepsTheFirst() {
  var spacing = CheckpointSpacing(plan: LoadPlan(files: [], interval: 2000, maximum: 4))
  let positions = load(100, &spacing)
  #expect(positions.first == 0)
  #expect((3...4).contains(positions.count))
  let gaps = zip(positions.dropFirst(), positions).map { $0 - $1 }
  #expect((gaps.max() ?? 0) >= 16)
}

@Test func plannedFilesGetTheirCheckpointsOnly() {
  var spacing = CheckpointSpacing(plan: LoadPlan(files: ["/f3", "/f7"], interval: 0, maximum: 4))
  #expect(load(10, &spacing) == [0, 3, 7])
}

@Test func plannedFilesOutlastOthersWhenThereAreTooMany() {
  var spacing = CheckpointSpacing(plan: LoadPlan(files: ["/f3"], interval: 1000, maximum: 3))
  let positions = load(40, &spacing)
  #expect(positions.starts(with: [0, 3]))
  #expect(positions.count <= 3)
}

@Test func inheritedCheckpointGivesWayToAPlannedOne() {
  var spacing = CheckpointSpacing(plan: LoadPlan(files: ["/f8"], interval: 0, maximum: 3), inherited: [0, 1, 5])
  #expect(spacing.wantsCheckpoint(before: "/f8", position: 8, at: 0))
  #expect(spacing.left(before: "/f8", position: 8, at: 0) == [1])
  #expect(spacing.positions == [0, 5, 8])
}

@Test func noCheckpointStandsTwiceAtOnePosition() {
  let spacing = CheckpointSpacing(plan: LoadPlan(files: ["/f5"], interval: 0, maximum: 3), inherited: [0, 5])
  #expect(!spacing.wantsCheckpoint(before: "/f5", position: 5, at: 0))
}

@Test func maximumOfNoneMeansNone() {
  var spacing = CheckpointSpacing(plan: LoadPlan(files: ["/f5"], interval: 1000, maximum: 0))
  #expect(load(10, &spacing).isEmpty)
}

@Test func maximumOfOneKeepsTheFirst() {
  var spacing = CheckpointSpacing(plan: LoadPlan(files: ["/f5"], interval: 1000, maximum: 1))
  #expect(load(10, &spacing) == [0])
}
