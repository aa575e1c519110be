import ProcessProtocol
import ReloadModel
import Testing

@testable import Supervision

private let here = PreloadOrder.Surroundings(includes: ["/usr"])
private let vendorEvents: [TraceEvent] = [
  .entered(file: "/usr/V.pm", key: "V.pm", surroundings: here, company: 7),
  .library(file: "/usr/V.pm", key: "V.pm", microseconds: 1),
]
private let vendorOrder = PreloadOrder(files: [
  .init(key: "V.pm", directory: "/usr", surroundings: here, rank: 0, company: 7)
])

extension MachineRun {
  /// A running generation 1 that has loaded a library.
  fileprivate static func withVendor() -> MachineRun {
    var run = MachineRun(workers: 1)
    run.startBase()
    let process = run.lastCandidate
    run.send(.forked(process))
    run.send(.traced(process, [began("/app.psgi")] + vendorEvents))
    run.send(.loaded(process))
    run.readyWorkers()
    return run
  }

  /// The last trial that was ordered, and its plan.
  fileprivate var lastTrial: (process: ProcessToken, plan: LoadPlan) {
    for case .forkTrial(let process, _, _, let plan) in log.reversed() { return (process, plan) }
    fatalError("no trial was ordered")
  }

  fileprivate var lastCensus: (process: ProcessToken, of: ProcessToken, kind: Examination.Census) {
    for case .takeCensus(let process, let mold, let kind) in log.reversed() { return (process, mold, kind) }
    fatalError("no census was ordered")
  }

  fileprivate mutating func loadTrial() {
    let process = lastTrial.process
    send(.forked(process))
    send(.traced(process, [began("/app.psgi")]))
    send(.loaded(process))
  }

  @discardableResult
  fileprivate mutating func takeCensus(differences: Int = 0) -> [GenerationMachine.Action] {
    send(.censusTaken(lastCensus.process, differences: differences, first: differences > 0 ? "hash $X" : ""))
  }

  /// Generation 2, which has the code of generation 1 in the preload order.
  fileprivate static func preloaded() -> MachineRun {
    var run = withVendor()
    run.send(.idle)
    run.loadTrial()
    run.takeCensus()
    run.takeCensus()
    run.readyWorkers()
    return run
  }
}

@Suite struct LearningAnOrder {
  @Test func waitsForIdleness() {
    let run = MachineRun.withVendor()
    #expect(run.machine.wantsExamination)
    #expect(run.machine.preloading.examination == nil)
  }

  @Test func triesTheOrderInTheBackground() {
    var run = MachineRun.withVendor()
    run.send(.idle)
    #expect(run.lastTrial.plan.preload == vendorOrder)
    #expect(run.lastTrial.plan.isTrial)
    #expect(!run.machine.isBusy)
    run.loadTrial()
    #expect(run.lastCensus.kind == .running)
    #expect(run.lastCensus.of == run.machine.running?.mold)
    run.takeCensus()
    #expect(run.lastCensus.kind == .trial)
    #expect(run.lastCensus.of == run.lastTrial.process)
  }

  @Test func equalLoadTakesOverAsTheSameCode() {
    var run = MachineRun.preloaded()
    #expect(
      run.log.contains(
        .promote(.init(generation: 2, way: .preload, files: [], workers: 1, isFirst: false, loadedAs: 1))))
    #expect(run.machine.preloading.use == .verified(vendorOrder))
    // The same code is nothing to roll back to, and nothing to be examined again.
    #expect(run.machine.kept.isEmpty)
    #expect(!run.machine.wantsExamination)
    // A cold start uses the order.
    run.save(["/app.psgi"], at: 0)
    #expect(run.lastPlan.preload == vendorOrder)
    #expect(!run.lastPlan.isTrial)
  }

  @Test func differenceIsComparedWithChance() {
    var run = MachineRun.withVendor()
    run.send(.idle)
    run.loadTrial()
    let trial = run.lastTrial.process
    run.takeCensus()
    run.takeCensus(differences: 3)
    #expect(run.lastTrial.process != trial)
    #expect(run.lastTrial.plan.preload.isNatural)
    run.send(.forked(run.lastTrial.process))
    run.send(.loaded(run.lastTrial.process))
    #expect(run.lastCensus.kind == .second(runningIsNatural: true))
    run.takeCensus()
    #expect(run.machine.candidate?.way == .preload)
    #expect(run.log.contains(.kill(run.lastTrial.process)))
  }

  @Test func realDifferenceSwitchesOffWithTheReason() {
    var run = MachineRun.withVendor()
    run.send(.idle)
    run.loadTrial()
    run.takeCensus()
    run.takeCensus(differences: 3)
    run.send(.forked(run.lastTrial.process))
    run.send(.loaded(run.lastTrial.process))
    let asked = run.takeCensus(differences: 2)
    #expect(asked.contains { if case .warn(let text) = $0 { text.contains("hash $X and 1 more") } else { false } })
    #expect(
      run.machine.preloading.use
        == .off("the application differs when its libraries are loaded first: hash $X and 1 more"))
    #expect(!run.machine.wantsExamination)
    #expect(run.machine.candidate == nil)
    // A cold start on demand begins anew.
    run.send(.coldStartDemanded)
    #expect(run.machine.preloading.use == .natural)
  }

  @Test func unfitFilesAreLeftOutOfTheNextTrial() {
    var run = MachineRun.withVendor()
    run.send(.idle)
    let process = run.lastTrial.process
    run.send(.forked(process))
    run.send(.objected(process, [.init(key: "V.pm", reason: .changed("%SIG"))]))
    #expect(run.log.contains(.kill(process)))
    run.send(.idle)
    // Nothing is left to preload.
    #expect(run.machine.preloading.examination == nil)
    #expect(!run.machine.wantsExamination)
  }

  @Test func isForbiddenBySettings() {
    #expect(GenerationMachine(settings: .init(preloads: false)).preloading.use == .forbidden)
  }
}

@Suite struct SavesDuringAnExamination {
  @Test func aSaveWinsAtOnce() {
    var run = MachineRun.withVendor()
    run.send(.idle)
    let trial = run.lastTrial.process
    run.send(.forked(trial))
    run.save(["/app.psgi"], at: 0)
    #expect(run.log.contains(.kill(trial)))
    #expect(run.machine.candidate?.way == .coldStart)
    #expect(run.machine.preloading.examination == nil)
    // What the trial still had to say means nothing.
    run.send(.loaded(trial))
    #expect(run.machine.candidate?.stage == .forking(from: run.base_))
  }

  @Test func aSaveWhileTheWorkersStartMakesThePreloadVoid() {
    var run = MachineRun.withVendor()
    run.send(.idle)
    run.loadTrial()
    run.takeCensus()
    run.takeCensus()
    run.candidate = [Difference(files: ["/app.psgi"], position: 0)]
    run.running = Difference(files: ["/app.psgi"], position: 0)
    run.send(.touched(respawning: []))
    #expect(run.machine.candidate?.way == .coldStart)
    #expect(run.lastPlan.preload.isNatural)
    #expect(run.machine.preloading.use == .natural)
  }
}

@Suite struct OutgrownOrders {
  @Test func objectionOfACandidateStartsItAnewInNaturalOrder() {
    var run = MachineRun.preloaded()
    run.save(["/app.psgi"], at: 0)
    let process = run.lastCandidate
    run.send(.forked(process))
    run.send(.objected(process, [.init(key: "V.pm", reason: .changed("%ENV"))]))
    #expect(run.lastCandidate != process)
    #expect(run.lastPlan.preload.isNatural)
    #expect(run.machine.preloading.use == .natural)
    #expect(run.machine.preloading.lastObjection == "the application now changes %ENV before it loads V.pm")
  }

  @Test func endInTheNaturalOrderForGoodWhenThereAreTooMany() {
    var preloading = Preloading(use: .natural)
    for _ in 0..<Preloading.patience { preloading.outgrown("again") }
    #expect(preloading.use == .off("again"))
  }

  @Test func reloadInTheOrderIsComparedAgain() {
    var run = MachineRun.preloaded()
    run.save(["/app.psgi"], at: 0)
    run.load(["/app.psgi"])
    run.readyWorkers()
    #expect(run.machine.wantsExamination)
    run.send(.idle)
    #expect(run.lastTrial.plan.preload.isNatural)
    run.loadTrial()
    run.takeCensus()
    run.takeCensus()
    #expect(run.machine.candidate == nil)
    #expect(run.machine.preloading.verified == run.machine.running?.loader)
    #expect(!run.machine.wantsExamination)
  }

  @Test func differenceFoundLaterReplacesTheGeneration() {
    var run = MachineRun.preloaded()
    run.save(["/app.psgi"], at: 0)
    run.load(["/app.psgi"])
    run.readyWorkers()
    run.send(.idle)
    run.loadTrial()
    run.takeCensus()
    run.takeCensus(differences: 1)
    run.send(.forked(run.lastTrial.process))
    run.send(.loaded(run.lastTrial.process))
    #expect(run.lastCensus.kind == .second(runningIsNatural: false))
    run.takeCensus(differences: 1)
    #expect(run.machine.candidate?.way == .coldStart)
    #expect(run.lastPlan.preload.isNatural)
  }
}

@Suite struct HotFiles {
  @Test func areThoseEditedAgainAndAgain() {
    var preloading = Preloading(use: .verified(vendorOrder))
    preloading.edits = ["/a": 1, "/b": 2, "/c": 3, "/d": 2]
    let trace = LoadTrace([began("/a"), began("/b"), began("/c"), began("/d")])
    #expect(preloading.wantedHot(["/a", "/b", "/c", "/d"], in: trace) == ["/b", "/c"])
    preloading.hot = ["/b", "/c"]
    #expect(preloading.wantedHot(["/c", "/a"], in: trace) == nil)
    #expect(preloading.wantedHot(["/a"], in: trace) == nil)
    #expect(preloading.wantedHot(["/template"], in: trace) == nil)
  }
}
