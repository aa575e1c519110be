import Glibc
import ReloadModel
import Testing

@testable import Supervision

@Suite struct Rejections {
  static func rejected(waitsForSaves: Bool = true) -> MachineRun {
    var run = MachineRun.serving(waitsForSaves: waitsForSaves)
    run.save(["/b"], at: 1)
    run.load(["/b"], checkpoints: ["/b"], failing: syntaxError)
    return run
  }

  @Test func leaveTheRunningGenerationAlone() {
    let run = Self.rejected()
    #expect(run.machine.running?.number == 1)
    #expect(run.machine.running?.readyWorkers == 2)
    #expect(run.machine.running?.checkpoints.count == 3)
    #expect(run.log.contains { if case .reject(_, 2, running: 1) = $0 { true } else { false } })
    #expect(run.log.contains(.kill(run.lastCandidate)))
  }

  @Test func inProductionDoNotEndTheServer() {
    let run = Self.rejected(waitsForSaves: false)
    #expect(!run.log.contains { if case .giveUp = $0 { true } else { false } })
  }

  @Test func areKeptWhileNothingElseChanges() {
    var run = Self.rejected()
    run.log = []
    run.save(["/b"], at: 1)
    #expect(!run.machine.isBusy)
    #expect(run.machine.rejection != nil)
    #expect(run.log == [.look(.running)])
  }

  @Test func endWithTheNextSaveOfAFileThatTheCandidateMet() {
    var run = Self.rejected()
    run.rejected = Difference(files: ["/b"], position: 1)
    run.save(["/b"], at: 1)
    #expect(run.machine.isBusy)
    run.load(["/b", "/c"])
    run.readyWorkers()
    #expect(run.machine.rejection == nil)
    #expect(run.machine.running?.number == 2)
  }

  @Test func endWithTheNextSaveOfAnotherFileOfTheRunningGeneration() {
    var run = Self.rejected()
    run.save(["/a", "/b"], at: 0)
    #expect(run.machine.isBusy)
  }

  @Test func areForgivenWhenTheFilesArePutBack() {
    var run = Self.rejected()
    run.rejected = Difference(files: ["/b"], position: 1)
    run.running = .none
    #expect(run.send(.touched(respawning: [])) == [.forgive(running: 1)])
    #expect(run.machine.rejection == nil)
    #expect(!run.machine.isBusy)
  }

  @Test func stayWhenNothingWasPutRight() {
    var run = Self.rejected()
    run.running = .none
    #expect(run.send(.touched(respawning: [])).isEmpty)
    #expect(run.send(.touched(respawning: ["/page.tt"])).isEmpty)
    #expect(run.machine.rejection != nil)
    #expect(!run.machine.isBusy)
  }

  @Test func ofALoadThatNoChangeHadCausedAreTriedAgain() {
    var run = MachineRun.serving()
    run.send(.ended(run.machine.running!.mold!, .killed))
    run.send(.ended(run.machine.running!.workers.keys.first!, .killed))
    run.load(["/c"], failing: syntaxError)
    #expect(run.machine.rejection?.isTriedAgain == true)
    run.send(.woke)
    #expect(run.machine.isBusy)
  }

  @Test func meetWhatWasSavedMeanwhile() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    run.send(.forked(run.lastCandidate))
    run.send(.traced(run.lastCandidate, [began("/b")]))
    run.running = Difference(files: ["/b", "/c"], position: 1)
    let failed = run.lastCandidate
    run.send(.failed(failed, syntaxError))
    #expect(run.lastCandidate != failed)
    #expect(run.machine.candidate?.files == ["/b", "/c"])
  }

  @Test func withoutTheDisksFaultAreTriedAgainAfterAWhile() {
    var run = MachineRun.serving(workers: 1)
    run.save(["/c"], at: 2)
    run.load(["/c"])
    for _ in 0..<3 { run.send(.ended(run.workers(of: 2).last!, .atOnce)) }
    let asked = run.send(.ended(run.workers(of: 2).last!, .atOnce))
    #expect(asked.contains(.wake(afterSeconds: 10)))
    #expect(!run.machine.isBusy)
    run.send(.woke)
    #expect(run.machine.isBusy)
    run.load(["/c"])
    run.readyWorkers()
    #expect(run.machine.running?.number == 2)
    #expect(run.machine.rejection == nil)
  }

  @Test func thatAreTriedAgainKeepNoWorkerFromBeingReplaced() {
    var run = MachineRun.serving(workers: 1)
    run.save(["/c"], at: 2)
    run.load(["/c"])
    for _ in 0..<4 { run.send(.ended(run.workers(of: 2).last!, .atOnce)) }
    for _ in 0..<3 {
      #expect(run.machine.rejection?.isTriedAgain == true)
      // As after --max-requests.
      run.send(.ended(run.workers(of: 1).last!, .init(ending: .exited(0))))
      #expect(run.machine.running?.workers.count == 1)
      run.send(.workerReady(run.workers(of: 1).last!))
    }
  }

  @Test func thatAreTriedAgainForkTheWorkersThatWereWaitedFor() {
    var run = MachineRun.serving(workers: 1)
    run.save(["/c"], at: 2)
    run.load(["/c"])
    for _ in 0..<4 { run.send(.ended(run.workers(of: 2).last!, .atOnce)) }
    for _ in 0..<2 { run.send(.ended(run.workers(of: 1).last!, .atOnce)) }
    #expect(run.machine.running?.workers.isEmpty == true)
    run.send(.woke)
    #expect(run.machine.running?.workers.count == 1)
  }

  @Test func ofARespawnAreTriedAgainAsARespawn() {
    var run = MachineRun.serving(workers: 1)
    run.send(.touched(respawning: ["/page.tt"]))
    for _ in 0..<4 { run.send(.ended(run.workers(of: 2).last!, .atOnce)) }
    #expect(run.machine.rejection != nil)
    run.send(.touched(respawning: []))
    #expect(run.machine.rejection != nil)
    run.send(.woke)
    #expect(run.machine.candidate?.way == .respawn)
  }

  @Test func areTriedAgainOnDemand() {
    var run = Self.rejected()
    run.running = Difference(files: ["/b"], position: 1)
    run.send(.demanded)
    #expect(run.machine.isBusy)
  }

  @Test func aSaveDuringAFailingLoadStartsAgainWithoutAReport() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    run.candidate = [Difference(files: ["/b"], position: 1)]
    run.running = Difference(files: ["/b"], position: 1)
    run.load(["/b"], failing: syntaxError)
    #expect(run.machine.rejection == nil)
    #expect(run.machine.isBusy)
  }

  @Test func tellWhereAKilledLoadWas() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    run.send(.forked(run.lastCandidate))
    run.send(.traced(run.lastCandidate, [began("/b", line: 7), began("/d", line: 4)]))
    run.send(.ended(run.lastCandidate, .init(ending: .killed(11))))
    let failure = run.machine.rejection?.failure
    #expect(failure?.cause == .killed)
    #expect(failure?.status == 11)
    #expect(failure?.file == "/d")
    #expect(failure?.chain == [.init(file: "/a", line: 7), .init(file: "/b", line: 4), .init(file: "/d", line: 0)])
  }

  @Test func tellWhereALoadThatTookTooLongWas() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    run.send(.forked(run.lastCandidate))
    run.send(.traced(run.lastCandidate, [began("/b")]))
    run.send(.ended(run.lastCandidate, .init(ending: .killed(9), file: "/b", line: 12, timeout: 60)))
    let failure = run.machine.rejection?.failure
    #expect(failure?.cause == .timedOut)
    #expect(failure?.status == 60)
    #expect(failure?.file == "/b")
    #expect(failure?.line == 12)
  }

  @Test func tellTheExitStatusOfALoadThatLeft() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    run.send(.forked(run.lastCandidate))
    run.send(.ended(run.lastCandidate, .init(ending: .exited(3))))
    #expect(run.machine.rejection?.failure.cause == .exited)
    #expect(run.machine.rejection?.failure.status == 3)
  }
}

@Suite struct Voids {
  @Test func aSaveDuringTheLoadStartsAgain() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    let void = run.lastCandidate
    run.candidate = [Difference(files: ["/c"], position: 2)]
    run.running = Difference(files: ["/b", "/c"], position: 1)
    run.load(["/b", "/c"])
    #expect(run.log.contains(.kill(void)))
    #expect(run.lastCandidate != void)
    #expect(run.workers(of: 2).isEmpty)
  }

  @Test func aSaveWhileTheWorkersStartStartsAgain() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    run.candidate = [.none, Difference(files: ["/c"], position: 2)]
    run.load(["/b", "/c"], checkpoints: ["/c"])
    let void = run.machine.candidate!
    run.running = Difference(files: ["/b", "/c"], position: 1)
    run.readyWorkers()
    #expect(run.machine.running?.number == 1)
    for worker in void.generation.workers.keys { #expect(run.log.contains(.kill(worker))) }
    #expect(run.log.contains(.close(void.generation.checkpoints.last!.process)))
    #expect(run.machine.candidate?.process != void.process)
  }

  @Test func aFixOfAnEndlessLoopIsNotWaitedFor() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    let loop = run.lastCandidate
    run.send(.forked(loop))
    run.send(.traced(loop, [began("/b")]))
    run.candidate = [Difference(files: ["/b"], position: 1)]
    run.running = Difference(files: ["/b"], position: 1)
    #expect(run.send(.touched(respawning: [])).contains(.kill(loop)))
    #expect(run.lastCandidate != loop)
  }

  @Test func puttingBackDuringTheLoadNeedsNoReload() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    run.candidate = [Difference(files: ["/b"], position: 1)]
    run.running = .none
    run.load(["/b", "/c"])
    #expect(!run.machine.isBusy)
    #expect(run.machine.running?.number == 1)
  }

  @Test func aFirstStartStartsAgain() {
    var run = MachineRun()
    run.startBase()
    run.candidate = [Difference(files: ["/a"], position: 0)]
    let void = run.lastCandidate
    run.load(["/a"])
    #expect(run.lastCandidate != void)
    #expect(run.lastOrigin == run.base_)
  }

  @Test func aFileThatEveryLoadWritesIsIgnoredInTheEnd() {
    var run = MachineRun(workers: 1)
    run.startBase()
    for _ in 0..<3 {
      run.candidate = [Difference(files: ["/cache"], position: 1)]
      run.load(["/a"])
    }
    #expect(run.machine.restless == ["/cache"])
    run.load(["/a"])
    run.send(.traced(run.lastCandidate, [.missing(path: "/cache")]))
    #expect(!run.machine.candidate!.generation.trace.events.contains(.missing(path: "/cache")))
    #expect(run.machine.candidate!.generation.trace.events.count == 2)
  }

  @Test func aSourceFileIsNeverIgnored() {
    var run = MachineRun(workers: 1)
    run.startBase()
    for _ in 0..<10 {
      run.candidate = [Difference(files: ["/a"], position: 0)]
      run.load(["/a"])
    }
    #expect(run.machine.restless.isEmpty)
    #expect(run.machine.rejection?.failure.file == "/a")
  }

  @Test func aMoldThatDiesBeforeItsWorkersAreReadyIsNamed() {
    var run = MachineRun.serving(workers: 1)
    run.save(["/b"], at: 1)
    run.load(["/b", "/c"])
    run.send(.ended(run.lastCandidate, .init(ending: .killed(SIGKILL))))
    #expect(run.machine.rejection?.failure.message.hasPrefix("the mold of the new generation ") == true)
    #expect(run.machine.running?.number == 1)
  }

  @Test func aSourceFileThatAlwaysDiffersWaitsForTheNextSave() {
    var run = MachineRun.serving(workers: 1)
    run.save(["/b"], at: 1)
    run.rejected = Difference(files: ["/a"], position: 0)
    for _ in 0..<10 {
      run.candidate = [Difference(files: ["/a"], position: 0)]
      run.load(["/b", "/c"])
    }
    #expect(run.machine.rejection?.failure.file == "/a")
    #expect(!run.machine.isBusy)
    run.save(["/b"], at: 1)
    #expect(run.machine.isBusy)
    run.load(["/b", "/c"])
    run.readyWorkers()
    #expect(run.machine.running?.number == 2)
  }

  @Test func eventsOfAVoidCandidateMeanNothing() {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    let void = run.lastCandidate
    run.candidate = [Difference(files: ["/b"], position: 1)]
    run.load(["/b"])
    let left = Checkpoint(position: 2, process: run.machine.makeToken())
    #expect(run.send(.loaded(void)).isEmpty)
    #expect(run.send(.failed(void, syntaxError)).isEmpty)
    #expect(run.send(.checkpointLeft(left, by: void)) == [.close(left.process)])
    #expect(run.send(.ended(void, .killed)).isEmpty)
  }
}
