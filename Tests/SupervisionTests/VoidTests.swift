import ReloadModel
import Testing

@testable import Supervision

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
