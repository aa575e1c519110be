import ReloadModel
import Testing

@testable import Supervision

@Suite struct UpgradingTests {
  /// Whether one of the actions is to close this process.
  private func closes(_ process: ProcessToken?, _ actions: [GenerationMachine.Action]) -> Bool {
    actions.contains { $0 == .close(process!) }
  }

  @Test func nothingOfTheOldPerlIsUsedForTheNextGeneration() throws {
    var run = MachineRun.serving()
    let old = run.machine.running!
    let base = run.base_
    let asked = run.send(.upgraded(["/usr/bin/perl", "/usr/lib/libperl.so"]))
    #expect(closes(base, asked))
    for checkpoint in old.checkpoints { #expect(closes(checkpoint.process, asked)) }
    #expect(run.base_ != base && run.machine.base == .starting(run.base_))
    #expect(!closes(old.mold, asked), "the running generation serves on")
    run.send(.baseReady(run.base_, loaded: []))
    #expect(run.lastOrigin == run.base_ && run.machine.candidate?.way == .coldStart)
    run.load(["/a", "/b", "/c"], checkpoints: ["/a"])
    run.readyWorkers()
    #expect(run.machine.running?.number == 2)
    #expect(closes(old.mold, run.log) && run.machine.kept.isEmpty, "nobody rolls back to the old perl")
    #expect(!run.machine.isUpgrading)
  }

  @Test func candidateOfTheOldPerlIsGivenUp() throws {
    var run = MachineRun.serving()
    run.save(["/b"], at: 1)
    let candidate = run.lastCandidate
    run.send(.forked(candidate))
    #expect(run.send(.upgraded(["/usr/bin/perl"])).contains(.kill(candidate)))
    run.send(.baseReady(run.base_, loaded: []))
    #expect(run.lastOrigin == run.base_)
  }

  @Test func brokenCodeIsTriedAgainFromTheNewPerlOnly() throws {
    var run = MachineRun.serving()
    run.send(.upgraded(["/usr/bin/perl"]))
    run.send(.baseReady(run.base_, loaded: []))
    run.send(.forked(run.lastCandidate))
    run.send(.failed(run.lastCandidate, LoadFailure(cause: .died, message: "broken")))
    #expect(run.machine.running?.number == 1 && run.machine.rejection != nil)
    run.rejected = Difference(files: ["/b"], position: 1)
    run.save(["/b"], at: 1)
    #expect(run.lastOrigin == run.base_ && run.machine.candidate?.way == .coldStart)
  }
}
