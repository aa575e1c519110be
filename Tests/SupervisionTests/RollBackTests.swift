import ReloadModel
import Testing

@testable import Supervision

extension MachineRun {
  /// Generation 2 of the files a, B and c runs, and generation 1 of a, b and c is kept.
  static func serving2(waitsForSaves: Bool = true) -> MachineRun {
    var run = MachineRun.serving(waitsForSaves: waitsForSaves)
    run.save(["/b"], at: 1)
    run.load(["/B", "/c"], checkpoints: ["/B", "/c"])
    run.readyWorkers()
    run.log = []
    return run
  }

  /// Rolled back from generation 2 to the code of generation 1.
  static func rolledBack() -> MachineRun {
    var run = MachineRun.serving2()
    run.rollBack()
    run.log = []
    return run
  }

  @discardableResult
  mutating func rollBack() -> [GenerationMachine.Action] {
    let asked = send(.rollBackDemanded)
    readyWorkers()
    return asked
  }

  var promotion: GenerationMachine.Promotion? {
    for case .promote(let promotion) in log.reversed() { return promotion }
    return nil
  }

  var refusal: String? {
    for case .refuse(let text) in log.reversed() { return text }
    return nil
  }
}

@Suite struct RollBack {
  @Test func isAPromotionOfTheKeptCodeUnderTheNextNumber() {
    var run = MachineRun.serving2()
    let mold = run.machine.kept[0].mold!
    let old = run.machine.running!
    run.rollBack()
    #expect(run.promotion == .init(generation: 3, way: .rollBack, files: [], workers: 2, loadedAs: 1))
    #expect(run.log.contains { if case .forkWorker(_, from: mold, generation: 3) = $0 { true } else { false } })
    #expect(run.machine.running?.trace.events == [began("/a"), began("/b"), began("/c")])
    #expect(run.machine.pin != nil)
    #expect(
      run.log.contains { if case .retire(let workers) = $0 { Set(workers) == Set(old.workers.keys) } else { false } })
  }

  @Test func doesNotAskTheDiskWhetherTheCodeIsFresh() {
    var run = MachineRun.serving2()
    run.rollBack()
    #expect(!run.log.contains(.look(.candidate)))
  }

  @Test func keepsTheCheckpointsThatBothHaveAndClosesTheOthers() {
    var run = MachineRun.serving2()
    let checkpoints = run.machine.running!.checkpoints
    run.rollBack()
    #expect(run.machine.running?.checkpoints.map(\.position) == [0, 1])
    #expect(run.log.contains(.close(checkpoints[2].process)))
    #expect(!run.log.contains(.close(checkpoints[1].process)))
  }

  @Test func keepsWhatItRolledBackFromSoThatASecondOneUndoesTheFirst() {
    var run = MachineRun.serving2()
    let first = run.machine.kept[0].mold!
    let second = run.machine.running!.mold!
    run.rollBack()
    #expect(run.machine.kept.map(\.mold) == [second])
    run.pinned = .none
    run.rollBack()
    #expect(run.promotion?.generation == 4)
    #expect(run.promotion?.loadedAs == 2)
    #expect(run.machine.kept.map(\.mold) == [first])
    // The disk has that code, so nothing holds it.
    #expect(run.machine.pin == nil)
    #expect(!run.log.contains { if case .close(first) = $0 { true } else { false } })
  }

  @Test func passesOverARespawnWhichIsTheSameCode() {
    var run = MachineRun.serving2()
    run.send(.touched(respawning: ["/page.tt"]))
    run.readyWorkers()
    #expect(run.machine.running?.number == 3)
    #expect(run.machine.running?.loadedAs == 2)
    run.rollBack()
    #expect(run.promotion == .init(generation: 4, way: .rollBack, files: [], workers: 2, loadedAs: 1))
  }

  @Test func withNothingKeptIsRefused() {
    var run = MachineRun.serving()
    run.send(.rollBackDemanded)
    #expect(run.refusal == "there is nothing to roll back to: no other generation than 1 is kept")
    #expect(run.machine.running?.number == 1)
    #expect(!run.machine.isBusy)
  }

  @Test func beforeAnythingHasRunIsRefused() {
    var run = MachineRun()
    run.startBase()
    run.send(.rollBackDemanded)
    #expect(run.refusal == "there is nothing to roll back to: no code has run yet")
    #expect(run.machine.isBusy)
  }

  @Test func abandonsACandidateThatIsBeingBuilt() {
    var run = MachineRun.serving2()
    run.save(["/c"], at: 2)
    run.send(.forked(run.lastCandidate))
    run.send(.traced(run.lastCandidate, [began("/new")]))
    let candidate = run.lastCandidate
    run.rollBack()
    #expect(run.log.contains(.kill(candidate)))
    #expect(run.promotion?.loadedAs == 1)
    #expect(run.machine.running?.number == 3)
    #expect(run.machine.pin?.former.lazily.contains(began("/new")) == true)
  }

  @Test func askedForTwiceAtOnceIsOne() {
    var run = MachineRun.serving2()
    run.send(.rollBackDemanded)
    #expect(run.send(.rollBackDemanded).isEmpty)
    run.readyWorkers()
    #expect(run.machine.running?.number == 3)
  }

  @Test func toAMoldThatDiesMeanwhileIsRefusedAndTheRunningGenerationGoesOn() {
    var run = MachineRun.serving2()
    let mold = run.machine.kept[0].mold!
    run.send(.rollBackDemanded)
    run.send(.ended(mold, .killed))
    #expect(run.refusal?.hasPrefix("generation 1 cannot come back: ") == true)
    #expect(run.machine.running?.number == 2)
    #expect(run.machine.rejection == nil)
    #expect(run.machine.kept.isEmpty)
    #expect(!run.machine.isBusy)
  }

  @Test func whoseWorkersDieIsRefusedAndTheMoldStaysKept() {
    var run = MachineRun.serving2()
    let kept = run.machine.kept
    run.send(.rollBackDemanded)
    for _ in 0..<5 {
      if let worker = run.machine.candidate?.generation.workers.keys.first { run.send(.ended(worker, .atOnce)) }
    }
    #expect(run.refusal?.hasPrefix("generation 1 cannot come back: ") == true)
    #expect(run.machine.kept == kept)
    #expect(run.machine.running?.number == 2)
  }

  @Test func stopsInTheMiddleWithEveryMoldClosedOnce() {
    var run = MachineRun.serving2()
    let molds = [run.machine.kept[0].mold!, run.machine.running!.mold!]
    run.send(.rollBackDemanded)
    let asked = run.send(.stop) + run.send(.drained)
    for mold in molds { #expect(asked.count { $0 == .close(mold) } == 1) }
  }
}

@Suite struct RollBackFromAFailure {
  private func failing(waitsForSaves: Bool) -> MachineRun {
    var run = MachineRun.serving2(waitsForSaves: waitsForSaves)
    run.save(["/c"], at: 2)
    run.load(["/c"], failing: syntaxError)
    run.log = []
    return run
  }

  @Test func thatAnswersRequestsBringsTheRunningGenerationBack() {
    var run = failing(waitsForSaves: true)
    run.pinned = Difference(files: ["/c"], position: 2, digest: 7)
    run.rollBack()
    #expect(run.log.contains(.resume(running: 2)))
    #expect(run.promotion == nil)
    #expect(run.machine.rejection == nil)
    #expect(run.machine.running?.number == 2)
    // The same failure is not built again.
    run.running = run.pinned
    run.send(.touched(respawning: []))
    #expect(!run.machine.isBusy)
    // And another roll back goes on to the generation before.
    run.rollBack()
    #expect(run.promotion == .init(generation: 3, way: .rollBack, files: [], workers: 2, loadedAs: 1))
  }

  @Test func thatNobodySeesGoesToTheGenerationBefore() {
    var run = failing(waitsForSaves: false)
    run.send(.rollBackDemanded)
    // The failure stands until the promotion, but what the roll back is held against is more than its trace.
    #expect(run.machine.unwanted == run.machine.candidate?.pin?.former)
    run.readyWorkers()
    #expect(run.promotion == .init(generation: 3, way: .rollBack, files: [], workers: 2, loadedAs: 1))
    #expect(run.machine.rejection == nil)
  }
}
