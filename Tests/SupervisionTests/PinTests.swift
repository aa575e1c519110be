import ReloadModel
import Testing

@testable import Supervision

@Suite struct PinnedGeneration {
  @Test func staysWhenTheDiskIsTouchedAndUnchanged() {
    var run = MachineRun.rolledBack()
    #expect(run.send(.touched(respawning: [])).isEmpty)
    #expect(run.machine.pin != nil)
  }

  @Test func endsWithANewerChangeOfItsFiles() {
    var run = MachineRun.rolledBack()
    run.running.digest = 2
    run.send(.touched(respawning: []))
    #expect(run.machine.pin == nil)
    #expect(run.machine.candidate?.way == .rewind)
    #expect(run.machine.candidate?.generation.number == 4)
    #expect(run.machine.candidate?.limit == 1)
  }

  @Test func endsWithANewerChangeOfAFileThatOnlyTheFormerCodeHas() {
    var run = MachineRun.rolledBack()
    run.rejected = Difference(files: ["/B"], position: 1, digest: 5)
    run.send(.touched(respawning: []))
    #expect(run.machine.isBusy)
  }

  @Test func endsWithAFileThatCallsForNewWorkers() {
    var run = MachineRun.rolledBack()
    run.send(.touched(respawning: ["/page.tt"]))
    #expect(run.machine.isBusy)
  }

  @Test func endsWhenReloadIsAskedFor() {
    var run = MachineRun.rolledBack()
    run.send(.demanded)
    #expect(run.machine.isBusy)
    #expect(run.machine.pin == nil)
  }

  @Test func isNoMorePinnedWhenItsFilesAreBack() {
    var run = MachineRun.rolledBack()
    run.running = .none
    #expect(run.send(.touched(respawning: [])) == [.forgive(running: 3)])
    #expect(run.machine.pin == nil)
  }

  @Test func isOvertakenByASaveDuringTheRollBack() {
    var run = MachineRun.serving2()
    run.send(.rollBackDemanded)
    run.send(.touched(respawning: []))
    // What the look after the promotion finds.
    for worker in run.machine.candidate!.generation.workers.keys.dropFirst() { run.send(.workerReady(worker)) }
    let last = run.machine.candidate!.generation.workers.first { !$0.value }!.key
    run.former = Difference(files: ["/B"], position: 1, digest: 9)
    run.send(.workerReady(last))
    #expect(run.machine.running?.number == 3)
    #expect(run.machine.candidate?.generation.number == 4)
  }

  @Test func reloadAskedForDuringTheRollBackComesAfterIt() {
    var run = MachineRun.serving2()
    run.send(.rollBackDemanded)
    run.send(.demanded)
    run.readyWorkers()
    #expect(run.machine.running?.number == 3)
    #expect(run.machine.candidate?.generation.number == 4)
  }

  @Test func replacesItsWorkers() {
    var run = MachineRun.rolledBack()
    let mold = run.machine.running!.mold!
    let worker = run.machine.running!.workers.keys.first!
    let asked = run.send(.ended(worker, .killed))
    #expect(asked.contains { if case .forkWorker(_, from: mold, generation: 3) = $0 { true } else { false } })
  }
}

@Suite struct ColdStart {
  @Test func isFromANewBaseThoughNothingHasChanged() {
    var run = MachineRun.serving()
    let old = run.base_
    let asked = run.send(.coldStartDemanded)
    #expect(asked == [.close(old), .startBase(run.base_)])
    run.send(.baseReady(run.base_, loaded: []))
    #expect(run.lastOrigin == run.base_)
    #expect(run.machine.candidate?.way == .coldStart)
  }

  @Test func takesThePlaceOfACandidate() {
    var run = MachineRun.serving()
    run.save(["/c"], at: 2)
    run.send(.forked(run.lastCandidate))
    let candidate = run.lastCandidate
    let asked = run.send(.coldStartDemanded)
    #expect(asked.contains(.kill(candidate)))
    #expect(run.machine.candidate?.way == .coldStart)
    #expect(run.machine.candidate?.files == ["/c"])
  }

  @Test func endsAPin() {
    var run = MachineRun.rolledBack()
    run.send(.coldStartDemanded)
    #expect(run.machine.pin == nil)
    #expect(run.machine.candidate?.way == .coldStart)
  }

  @Test func isWhatTheFirstStartIs() {
    var run = MachineRun()
    run.startBase()
    #expect(run.send(.coldStartDemanded).isEmpty)
  }

  @Test func followsAFirstStartThatFailed() {
    var run = MachineRun()
    run.startBase()
    run.load(["/a"], failing: syntaxError)
    let old = run.base_
    #expect(run.send(.coldStartDemanded).contains(.close(old)))
    #expect(run.machine.isBusy)
  }
}
