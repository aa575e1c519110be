import ReloadModel
import Testing

@testable import Supervision

private let place = LoadFailure.Step(file: "/db", line: 3)
private let hookDied = LoadFailure(
  cause: .died, file: "/db", line: 4, message: "no database at /db line 4.", hook: place)

extension GenerationMachine.Departure {
  fileprivate static func inHook(_ ending: ProcessEnding, timeout: Int32? = nil) -> Self {
    Self(ending: ending, file: "/db", line: 5, timeout: timeout, hook: place)
  }
}

@Suite struct StartHooks {
  /// A candidate that has loaded a changed `c` and whose workers call their hooks.
  private func starting(waitsForSaves: Bool = true) -> (run: MachineRun, workers: [ProcessToken]) {
    var run = MachineRun.serving(waitsForSaves: waitsForSaves)
    run.save(["/c"], at: 2)
    run.load(["/c"])
    return (run, run.workers(of: 2))
  }

  @Test func oneThatFailsRejectsTheCandidate() {
    var (run, workers) = starting()
    let asked = run.send(.failed(workers[0], hookDied))
    #expect(asked.last == .reject(hookDied, generation: 2, running: 1))
    #expect(asked.contains(.kill(workers[1])))
    #expect(run.machine.candidate == nil)
    #expect(run.machine.running?.number == 1)
    #expect(run.send(.ended(workers[0], .atOnce)).isEmpty)
  }

  @Test func oneThatIsOutOfTimeRejectsTheCandidate() {
    var (run, workers) = starting()
    let asked = run.send(.ended(workers[0], .inHook(.killed(9), timeout: 60)))
    guard case .reject(let failure, 2, 1)? = asked.last else { return #expect(Bool(false), "\(asked)") }
    #expect((failure.cause, failure.status, failure.file, failure.line) == (.timedOut, 60, "/db", 5))
    #expect(failure.hook == place)
  }

  @Test func oneThatCrashesRejectsTheCandidate() {
    var (run, workers) = starting()
    guard case .reject(let failure, _, _)? = run.send(.ended(workers[0], .inHook(.killed(11)))).last else {
      return #expect(Bool(false))
    }
    #expect((failure.cause, failure.status) == (.killed, 11))
  }

  @Test func aWorkerThatSomebodyKillsInItsHookIsForkedAgain() {
    var (run, workers) = starting()
    run.send(.ended(workers[0], .inHook(.killed(9))))
    #expect(run.workers(of: 2).count == 3)
    #expect(run.machine.candidate?.stage == .startingWorkers)
  }

  @Test func oneThatFailsWithAFileThatHasChangedSinceMeansANewCandidate() {
    var (run, workers) = starting()
    run.running = Difference(files: ["/c"], position: 2)
    run.candidate = [Difference(files: ["/c"], position: 2)]
    let asked = run.send(.failed(workers[0], hookDied))
    #expect(run.machine.rejection == nil)
    #expect(run.machine.candidate?.stage == .forking(from: run.lastOrigin))
    #expect(asked.contains { if case .forkCandidate = $0 { true } else { false } })
  }

  @Test func aSaveWhileTheyRunIsLookedAt() {
    var (run, _) = starting()
    run.log = []
    run.send(.touched(respawning: []))
    #expect(run.log == [.look(.candidate)])
    #expect(run.machine.candidate?.stage == .startingWorkers)
  }

  @Test func withoutAGenerationToServeOneThatFailsIsTheEnd() {
    var run = MachineRun(waitsForSaves: false)
    run.startBase()
    run.load(["/a"])
    #expect(run.send(.failed(run.workers(of: 1)[0], hookDied)).last == .giveUp(hookDied, generation: 1))
  }

  @Test func oneThatFailsInAReplacementIsToldOnceAndTriedAgainLater() {
    var run = MachineRun.serving()
    run.send(.ended(run.machine.running!.workers.keys.first!, .killed))
    let asked = run.send(.failed(run.workers(of: 1).last!, hookDied))
    #expect(asked.contains { if case .warn = $0 { true } else { false } })
    #expect(run.machine.running?.number == 1)
    #expect(run.machine.rejection == nil)
    let again = run.send(.failed(run.workers(of: 1).last!, hookDied))
    #expect(!again.contains { if case .warn = $0 { true } else { false } })
    #expect(again.contains(.wake(afterSeconds: 1)))
    run.send(.woke)
    run.send(.workerReady(run.workers(of: 1).last!))
    #expect(run.machine.toldFailure == nil)
    #expect(run.machine.running?.readyWorkers == 2)
  }

  @Test func whatTheHookLoadedIsPartOfTheRejection() {
    var (run, workers) = starting()
    run.send(.traced(workers[0], [began("/lazy")]))
    run.send(.failed(workers[0], hookDied))
    #expect(run.machine.rejection?.trace.events.last == began("/lazy"))
    run.rejected = Difference(files: ["/lazy"], position: 3)
    run.send(.touched(respawning: []))
    #expect(run.machine.candidate?.way == .rewind)
  }

  @Test func aRespawnThatFailsIsTriedAgainWhenItsFilesAreSaved() {
    var run = MachineRun.serving()
    run.send(.touched(respawning: ["/page.tt"]))
    run.send(.failed(run.workers(of: 2)[0], hookDied))
    #expect(run.machine.rejection?.isOfRespawn == true)
    run.send(.touched(respawning: []))
    #expect(run.machine.candidate == nil)
    run.send(.touched(respawning: ["/page.tt"]))
    #expect(run.machine.candidate?.way == .respawn)
    run.readyWorkers()
    #expect(run.machine.running?.number == 2)
  }

  @Test func aLazyFileThatIsSavedDifferentlyAgainIsNoReturnOfTheOldCode() {
    var run = MachineRun.serving()
    run.send(.traced(run.machine.running!.workers.keys.first!, [began("/lazy")]))
    run.save(["/lazy"], at: nil)
    let worker = run.workers(of: 2)[0]
    run.send(.traced(worker, [began("/lazy", line: 2)]))
    run.send(.failed(worker, hookDied))
    run.rejected = Difference(files: ["/lazy"], position: 3)
    let asked = run.save(["/lazy"], at: nil)
    #expect(run.machine.candidate?.way == .respawn)
    #expect(!asked.contains { if case .forgive = $0 { true } else { false } })
  }

  @Test func aRollBackWhoseWorkersCannotStartIsRefused() {
    var (run, _) = starting()
    run.readyWorkers()
    run.send(.rollBackDemanded)
    let worker = run.workers(of: 3)[0]
    run.log = []
    run.send(.touched(respawning: []))
    #expect(run.log.isEmpty)
    let asked = run.send(.failed(worker, hookDied))
    #expect(asked.contains { if case .refuse(let text) = $0 { text.contains("/db:3 died") } else { false } })
    #expect(run.machine.running?.number == 2)
    #expect(run.machine.candidate == nil)
  }
}
