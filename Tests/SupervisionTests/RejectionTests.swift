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
    #expect(run.log == [.look(.additions)])
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
    #expect(asked.contains(.wake(afterSeconds: 1)))
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

  @Test func aMoldThatDiesBeforeItsWorkersAreReadyIsNamed() {
    var run = MachineRun.serving(workers: 1)
    run.save(["/b"], at: 1)
    run.load(["/b", "/c"])
    run.send(.ended(run.lastCandidate, .init(ending: .killed(SIGSEGV))))
    #expect(run.machine.rejection?.failure.message.hasPrefix("the mold of the new generation ") == true)
    #expect(run.machine.running?.number == 1)
  }
}
