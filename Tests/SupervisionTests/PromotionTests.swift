import ReloadModel
import Testing

@testable import Supervision

@Suite struct FirstStart {
  @Test func beginsWithABaseAndAColdStart() {
    var run = MachineRun()
    #expect(run.send(.start) == [.startBase(run.base_)])
    run.send(.baseReady(run.base_, loaded: []))
    #expect(run.lastOrigin == run.base_)
    #expect(run.lastPlan == .first(maximum: 16))
  }

  @Test func isPromotedWhenAllWorkersAreReady() {
    var run = MachineRun(workers: 2)
    run.startBase()
    run.load(["/a"])
    let workers = run.workers(of: 1)
    #expect(workers.count == 2)
    #expect(run.send(.workerReady(workers[0])).isEmpty)
    #expect(
      run.send(.workerReady(workers[1])) == [
        .promote(.init(generation: 1, way: .coldStart, files: [], workers: 2, isFirst: true))
      ])
    #expect(run.machine.running?.mold == run.lastCandidate)
    #expect(!run.machine.isBusy)
  }

  @Test func thatFailsWaitsForASaveInDevelopment() {
    var run = MachineRun(waitsForSaves: true)
    run.startBase()
    run.load(["/a", "/b"], failing: syntaxError)
    #expect(
      run.log.contains(
        .reject(syntaxError.located(by: .init([began("/a"), began("/b")])), generation: 1, running: nil)))
    // Nothing that it met has changed.
    run.send(.touched(respawning: []))
    #expect(!run.machine.isBusy)
    run.rejected = Difference(files: ["/b"], position: 1)
    run.send(.touched(respawning: []))
    #expect(run.machine.isBusy)
    #expect(run.lastOrigin == run.base_)
  }

  @Test func thatFailsEndsTheServerInProduction() {
    var run = MachineRun(waitsForSaves: false)
    run.startBase()
    run.load(["/a"], failing: syntaxError)
    #expect(run.log.contains { if case .giveUp(let failure, 1) = $0 { failure.file == "/b" } else { false } })
  }

  @Test func withoutABaseEndsTheServer() {
    var run = MachineRun(waitsForSaves: true)
    run.send(.start)
    let asked = run.send(.ended(run.base_, .init(ending: .exited(2), isQuick: true)))
    #expect(asked.count == 1)
    #expect(asked.contains { if case .giveUp = $0 { true } else { false } })
  }
}

@Suite struct Rewind {
  @Test func goesToTheLastCheckpointBeforeTheChange() {
    var run = MachineRun.serving()
    let checkpoints = run.machine.running!.checkpoints
    run.save(["/b"], at: 1)
    #expect(run.lastOrigin == checkpoints[1].process)
    #expect(run.machine.candidate?.generation.trace == LoadTrace([began("/a")]))
    #expect(run.machine.candidate?.generation.checkpoints == Array(checkpoints[...1]))
  }

  @Test func withoutAUsableCheckpointIsAColdStart() {
    var run = MachineRun(workers: 1)
    run.startBase()
    run.load(["/a", "/b"], checkpoints: ["/b"])
    run.readyWorkers()
    run.save(["/a"], at: 0)
    #expect(run.lastOrigin == run.base_)
    #expect(run.machine.candidate?.way == .coldStart)
    #expect(run.machine.candidate?.generation.trace.events.isEmpty == true)
  }

  @Test func promotedClosesTheCheckpointsOfTheOldLineageAndKeepsTheSharedOnes() {
    var run = MachineRun.serving()
    let old = run.machine.running!
    run.save(["/b"], at: 1)
    run.load(["/b", "/c"], checkpoints: ["/c"])
    run.log = []
    run.readyWorkers()
    #expect(run.log.contains(.close(old.checkpoints[2].process)))
    #expect(!run.log.contains(.close(old.checkpoints[0].process)))
    #expect(!run.log.contains(.close(old.checkpoints[1].process)))
    #expect(run.machine.running?.checkpoints.map(\.position) == [0, 1, 2])
    #expect(run.machine.running?.number == 2)
    #expect(
      run.log.contains { if case .retire(let workers) = $0 { Set(workers) == Set(old.workers.keys) } else { false } })
  }

  @Test func keepsOneMoldBesidesTheRunningOne() {
    var run = MachineRun.serving()
    let first = run.machine.running!.mold!
    run.save(["/c"], at: 2)
    run.load(["/c"])
    run.readyWorkers()
    #expect(!run.log.contains(.close(first)))
    run.save(["/c"], at: 2)
    run.load(["/c"])
    run.readyWorkers()
    #expect(run.log.contains(.close(first)))
    #expect(run.machine.kept.map(\.number) == [2])
  }

  @Test func plansACheckpointBeforeTheEditedFile() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    #expect(run.lastPlan.files.contains("/b"))
  }

  @Test func dropsOwnCheckpointsAtOnceAndSharedOnesAtThePromotion() {
    var run = MachineRun.serving()
    let shared = run.machine.running!.checkpoints[1]
    run.save(["/c"], at: 2)
    let process = run.lastCandidate
    run.send(.forked(process))
    let own = Checkpoint(position: 3, process: run.machine.makeToken())
    run.send(.checkpointLeft(own, by: process))
    #expect(run.send(.checkpointsDropped(positions: [1, 3], by: process)) == [.close(own.process)])
    run.send(.loaded(process))
    run.log = []
    run.readyWorkers()
    #expect(run.log.contains(.close(shared.process)))
    #expect(run.machine.running?.checkpoints.map(\.position) == [0, 2])
  }

  @Test func oneCandidateAtATime() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    let first = run.lastCandidate
    #expect(run.save(["/c"], at: 2).isEmpty)
    #expect(run.lastCandidate == first)
  }
}

@Suite struct Origins {
  @Test func deadCheckpointIsReplacedByAnEarlierOne() {
    var run = MachineRun.serving()
    let checkpoints = run.machine.running!.checkpoints
    run.save(["/c"], at: 2)
    #expect(run.lastOrigin == checkpoints[2].process)
    run.send(.ended(checkpoints[2].process, .killed))
    #expect(run.lastOrigin == checkpoints[1].process)
    #expect(run.machine.running?.checkpoints.count == 2)
  }

  @Test func failedForksGoBackToTheBaseAndAreTriedAgainAfterASecond() {
    var run = MachineRun.serving()
    let base = run.base_
    run.save(["/c"], at: 2)
    for _ in 0..<3 {
      let said = run.send(.forkFailed(run.lastCandidate, message: "no memory"))
      #expect(said.contains(.report("no candidate could be forked from a checkpoint: no memory")))
    }
    #expect(run.lastOrigin == base)
    let asked = run.send(.forkFailed(run.lastCandidate, message: "no memory"))
    #expect(asked.contains(.report("no candidate could be forked from the base: no memory")))
    // Whatever was short, they can fork again when it is there.
    #expect(!asked.contains { if case .kill = $0 { true } else { false } })
    #expect(run.machine.running?.checkpoints.count == 3)
    for _ in 0..<3 {
      #expect(run.log.last { if case .wake = $0 { true } else { false } } == .wake(afterSeconds: 1))
      run.send(.woke)
      for _ in 0..<4 { run.send(.forkFailed(run.lastCandidate, message: "no memory")) }
    }
    run.send(.woke)
    run.load(["/c"])
    run.readyWorkers()
    #expect(run.machine.running?.number == 2)
  }

  @Test func aBaseThatDiesBeforeItHasForkedIsReplacedAndAskedAgain() {
    var run = MachineRun.serving()
    run.save(["/a"], at: 0)
    run.machine.running?.checkpoints = []
    run.send(.ended(run.lastCandidate, .killed))
    for checkpoint in run.machine.running!.checkpoints { run.send(.ended(checkpoint.process, .killed)) }
    let old = run.base_
    run.send(.coldStartDemanded)
    run.send(.ended(run.base_, .killed))
    run.send(.baseReady(run.base_, loaded: []))
    #expect(run.lastOrigin == run.base_ && run.base_ != old)
  }

  @Test func forksThatNeverWorkAreARejection() {
    var run = MachineRun.serving()
    run.save(["/c"], at: 2)
    for _ in 0..<100 where run.machine.isBusy {
      if case .awaitingBase = run.machine.candidate?.stage {
        run.send(.baseReady(run.base_, loaded: []))
      } else {
        run.send(.forkFailed(run.lastCandidate, message: "no memory"))
      }
    }
    #expect(run.machine.rejection?.failure.cause == .system)
    #expect(run.machine.rejection?.failure.message == "no process could be forked: no memory")
    #expect(run.machine.running?.number == 1)
  }

  @Test func aCheckpointThatCannotReopenItsFilesIsPassedOver() {
    var run = MachineRun.serving()
    let checkpoints = run.machine.running!.checkpoints
    run.save(["/c"], at: 2)
    run.send(.forked(run.lastCandidate))
    let said = run.send(
      .failed(run.lastCandidate, LoadFailure(cause: .system, message: "a file cannot be opened again")))
    #expect(said.contains(.report("a rewind was not possible: a file cannot be opened again")))
    #expect(run.lastOrigin == checkpoints[1].process)
    #expect(run.machine.rejection == nil)
  }

  @Test func aBaseThatDiesIsReplacedInTheBackground() {
    var run = MachineRun.serving()
    let asked = run.send(.ended(run.base_, .killed))
    #expect(
      asked.contains { if case .report(let text) = $0 { text.hasSuffix("; a new one is started") } else { false } })
    #expect(asked.contains(.startBase(run.base_)))
    #expect(!run.machine.isBusy)
  }

  @Test func aBaseThatCannotStartIsTriedAgainOnceASecond() {
    var run = MachineRun.serving()
    run.send(.ended(run.base_, .killed))
    run.send(.ended(run.base_, .atOnce))
    #expect(run.send(.ended(run.base_, .atOnce)).contains(.wake(afterSeconds: 1)))
    #expect(run.send(.woke).contains(.startBase(run.base_)))
    #expect(run.send(.ended(run.base_, .atOnce)).contains(.wake(afterSeconds: 1)))
  }

  @Test func aChangeOfWhatPerlLoadedBeforeNacreRestartsTheBase() {
    var run = MachineRun.serving()
    let old = run.base_
    run.base = Difference(files: ["/opt.pm"], position: 0)
    let asked = run.send(.touched(respawning: []))
    #expect(asked.contains(.close(old)))
    #expect(asked.contains(.startBase(run.base_)))
    run.send(.baseReady(run.base_, loaded: []))
    #expect(run.lastOrigin == run.base_)
  }
}
