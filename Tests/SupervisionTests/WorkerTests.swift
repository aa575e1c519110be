import ReloadModel
import Testing

@testable import Supervision

@Suite struct Respawns {
  @Test func newWorkersComeFromTheSameMold() {
    var run = MachineRun.serving()
    let old = run.machine.running!
    run.send(.touched(respawning: ["/page.tt"]))
    let workers = run.workers(of: 2)
    #expect(workers.count == 2)
    #expect(run.log.contains(.forkWorker(workers[0], from: old.mold!, generation: 2)))
    run.log = []
    run.readyWorkers()
    #expect(run.machine.running?.number == 2)
    #expect(run.machine.running?.mold == old.mold)
    #expect(run.machine.running?.checkpoints == old.checkpoints)
    #expect(
      run.log.contains(.promote(.init(generation: 2, way: .respawn, files: ["/page.tt"], workers: 1, loadedAs: 1))))
    #expect(!run.log.contains { if case .close = $0 { true } else { false } })
    #expect(run.machine.kept.isEmpty)
  }

  @Test func aLazilyLoadedFileThatChangedIsEnoughForOne() {
    var run = MachineRun.serving()
    let worker = run.machine.running!.workers.keys.first!
    run.send(.traced(worker, [began("/lazy")]))
    #expect(run.machine.running?.lazily == [began("/lazy")])
    run.save(["/lazy"], at: nil)
    #expect(run.machine.candidate?.way == .respawn)
    run.readyWorkers()
    #expect(run.machine.running?.lazily.isEmpty == true)
  }

  @Test func lazyLoadsAreLookedAtOnceTheyAreWatched() {
    var run = MachineRun.serving()
    run.log = []
    let workers = Array(run.machine.running!.workers.keys)
    run.send(.traced(workers[0], [began("/lazy")]))
    run.send(.traced(workers[1], [began("/lazy")]))
    #expect(run.log == [.look(.additions)])
  }

  @Test func aLoadedFileThatChangedTooMakesItARewind() {
    var run = MachineRun.serving()
    run.running = Difference(files: ["/c"], position: 2)
    run.send(.touched(respawning: ["/page.tt"]))
    #expect(run.machine.candidate?.way == .rewind)
  }

  @Test func aDemandWithoutAChangeIsOne() {
    var run = MachineRun.serving()
    run.send(.demanded)
    #expect(run.machine.candidate?.way == .respawn)
  }

  @Test func aTouchWithoutAChangeIsNothing() {
    var run = MachineRun.serving()
    #expect(run.send(.touched(respawning: [])).isEmpty)
    #expect(!run.machine.isBusy)
  }

  @Test func aDeadMoldMakesItARewind() {
    var run = MachineRun.serving()
    let last = run.machine.running!.checkpoints.last!
    run.send(.touched(respawning: ["/page.tt"]))
    run.send(.ended(run.machine.running!.mold!, .killed))
    #expect(run.lastOrigin == last.process)
    #expect(run.machine.candidate?.way == .rewind)
  }
}

@Suite struct Workers {
  @Test func aDeadOneIsReplacedAtOnce() {
    var run = MachineRun.serving()
    let dead = run.machine.running!.workers.keys.first!
    let asked = run.send(.ended(dead, .killed))
    let new = run.workers(of: 1).last!
    #expect(asked == [.countWorkers(1), .forkWorker(new, from: run.machine.running!.mold!, generation: 1)])
    #expect(run.send(.workerReady(new)) == [.countWorkers(2)])
  }

  @Test func thoseThatDieAtOnceAreReplacedOnceASecond() {
    var run = MachineRun.serving(workers: 1)
    run.send(.ended(run.workers(of: 1).last!, .atOnce))
    #expect(run.send(.ended(run.workers(of: 1).last!, .atOnce)).contains(.wake(afterSeconds: 1)))
    #expect(run.workers(of: 1).count == 2)
    run.send(.woke)
    #expect(run.workers(of: 1).count == 3)
    #expect(run.send(.ended(run.workers(of: 1).last!, .atOnce)).contains(.wake(afterSeconds: 1)))
    run.send(.woke)
    // One that lives for a while starts the count again.
    run.send(.ended(run.workers(of: 1).last!, .killed))
    #expect(run.workers(of: 1).count == 5)
  }

  @Test func oneThatCannotBeForkedIsTriedAgain() {
    var run = MachineRun.serving(workers: 1)
    run.send(.ended(run.workers(of: 1).last!, .killed))
    run.send(.forkFailed(run.workers(of: 1).last!, message: "no memory"))
    #expect(run.workers(of: 1).count == 3)
  }

  @Test func aDeadMoldIsRebuiltWhenAWorkerIsNeeded() {
    var run = MachineRun.serving()
    let last = run.machine.running!.checkpoints.last!
    run.send(.ended(run.machine.running!.mold!, .killed))
    #expect(!run.machine.isBusy)
    run.send(.ended(run.machine.running!.workers.keys.first!, .killed))
    #expect(run.lastOrigin == last.process)
    run.load(["/c"])
    run.readyWorkers()
    #expect(run.machine.running?.number == 2)
    #expect(run.machine.running?.readyWorkers == 2)
  }

  @Test func ofACandidateAreReplacedThreeTimes() {
    var run = MachineRun.serving(workers: 1)
    run.save(["/c"], at: 2)
    run.load(["/c"])
    for _ in 0..<3 { run.send(.ended(run.workers(of: 2).last!, .atOnce)) }
    #expect(run.workers(of: 2).count == 4)
    run.send(.ended(run.workers(of: 2).last!, .atOnce))
    #expect(run.machine.rejection?.failure.cause == .system)
    #expect(run.machine.running?.number == 1)
  }

  @Test func ofACandidateMayAllBeKilledAtOnce() {
    var run = MachineRun.serving(workers: 5)
    run.save(["/c"], at: 2)
    run.load(["/c"])
    for worker in run.workers(of: 2) { run.send(.ended(worker, .atOnce)) }
    run.readyWorkers()
    #expect(run.machine.running?.number == 2)
  }

  @Test func aCandidateThatIsKilledIsLoadedAgainThreeTimes() {
    var run = MachineRun.serving()
    run.save(["/c"], at: 2)
    for attempt in 0..<4 {
      #expect(run.machine.rejection == nil)
      // While it loads, or as a mold.
      if attempt % 2 == 0 { run.load(["/c"]) } else { run.send(.forked(run.lastCandidate)) }
      run.send(.ended(run.lastCandidate, .killed))
    }
    #expect(run.machine.rejection?.isTriedAgain == true)
    #expect(run.log.contains(.wake(afterSeconds: 1)))
    // From then on more and more slowly, for each attempt may take long.
    for seconds in 2...3 {
      run.send(.woke)
      run.send(.forked(run.lastCandidate))
      run.send(.ended(run.lastCandidate, .killed))
      #expect(run.log.contains(.wake(afterSeconds: seconds)))
    }
    run.send(.woke)
    run.load(["/c"])
    run.readyWorkers()
    #expect(run.machine.running?.number == 2)
    #expect(run.machine.accidents == 0)
  }

  @Test func aMoldThatCrashesBeforeThePromotionIsARejection() {
    var run = MachineRun.serving()
    run.save(["/c"], at: 2)
    run.load(["/c"])
    run.send(.ended(run.lastCandidate, .init(ending: .killed(11))))
    #expect(run.machine.rejection != nil)
    #expect(run.machine.running?.number == 1)
  }
}

@Suite struct Stops {
  @Test func replaceWorkersUntilAllIsServed() {
    var run = MachineRun.serving(workers: 1)
    run.send(.stop)
    for _ in 0..<3 {
      let asked = run.send(.ended(run.workers(of: 1).last!, .init(ending: .exited(0))))
      #expect(
        asked == [
          .countWorkers(0), .forkWorker(run.workers(of: 1).last!, from: run.machine.running!.mold!, generation: 1),
        ])
      #expect(run.send(.workerReady(run.workers(of: 1).last!)) == [.countWorkers(1)])
    }
    run.send(.touched(respawning: ["/page.tt"]))
    run.send(.demanded)
    #expect(!run.machine.isBusy)
    run.send(.drained)
    #expect(run.send(.ended(run.workers(of: 1).last!, .init(ending: .exited(0), isQuick: true))).isEmpty)
  }

  @Test func closeWhatIsSuspendedAndKillWhatLoads() {
    var run = MachineRun.serving()
    let old = run.machine.running!
    run.save(["/c"], at: 2)
    run.send(.forked(run.lastCandidate))
    let asked = run.send(.stop)
    #expect(asked.contains(.kill(run.lastCandidate)))
    for checkpoint in old.checkpoints { #expect(asked.contains(.close(checkpoint.process))) }
    #expect(asked.contains(.close(run.base_)))
    #expect(run.send(.drained) == [.close(old.mold!)])
    // The workers end what they are at.
    for worker in old.workers.keys { #expect(!asked.contains(.kill(worker))) }
    #expect(run.send(.ended(old.workers.keys.first!, .killed)).isEmpty)
  }
}
