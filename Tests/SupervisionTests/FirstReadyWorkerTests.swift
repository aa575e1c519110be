import ReloadModel
import Testing

@testable import Supervision

/// In development, where requests wait for the new code.
@Suite struct FirstReadyWorker {
  private func starting(waitsForSaves: Bool = true) -> (MachineRun, old: [ProcessToken], new: [ProcessToken]) {
    var run = MachineRun.serving(workers: 3, waitsForSaves: waitsForSaves)
    let old = Array(run.machine.running!.workers.keys)
    run.save(["/c"], at: 2)
    run.load(["/c"])
    return (run, old, run.workers(of: 2))
  }

  @Test func servesBeforeTheOthersAreReady() {
    var (run, old, new) = starting()
    let asked = run.send(.workerReady(new[1]))
    #expect(asked.contains(.promote(.init(generation: 2, way: .rewind, files: ["/c"], workers: 1))))
    #expect(asked.contains { if case .retire(let workers) = $0 { Set(workers) == Set(old) } else { false } })
    #expect(run.machine.running?.readyWorkers == 1)
    #expect(run.machine.running?.workers.count == 3)
  }

  @Test func isFollowedByTheOthers() {
    var (run, _, new) = starting()
    run.send(.workerReady(new[1]))
    #expect(run.send(.workerReady(new[0])) == [.countWorkers(2)])
    #expect(run.send(.workerReady(new[2])) == [.countWorkers(3)])
    #expect(run.machine.running?.number == 2)
  }

  @Test func decidesWhetherStartHooksWork() {
    var (run, _, new) = starting()
    run.send(.failed(new[0], LoadFailure(cause: .died, message: "no", hook: .init(file: "/a", line: 1))))
    #expect(run.machine.rejection != nil)
    #expect(run.machine.running?.number == 1)
  }

  @Test func isNotTakenBackWhenAnotherOneFails() {
    var (run, _, new) = starting()
    run.send(.workerReady(new[0]))
    let hook = LoadFailure(cause: .died, message: "no", hook: .init(file: "/a", line: 1))
    let asked = run.send(.failed(new[1], hook))
    #expect(asked.contains { if case .warn = $0 { true } else { false } })
    #expect(run.machine.rejection == nil)
    #expect(run.machine.running?.number == 2)
    // It is replaced like any worker.
    #expect(run.machine.running?.workers.count == 3)
    run.send(.ended(new[2], .killed))
    #expect(run.workers(of: 2).count == 5)
  }

  @Test func waitsForTheOthersWhereTheOldCodeServesOn() {
    var (run, _, new) = starting(waitsForSaves: false)
    #expect(run.send(.workerReady(new[0])).isEmpty)
    #expect(run.send(.workerReady(new[1])).isEmpty)
    run.send(.workerReady(new[2]))
    #expect(run.machine.running?.number == 2)
    #expect(run.machine.running?.readyWorkers == 3)
  }

  @Test func isNoneWhenTheDiskHasChangedMeanwhile() {
    var (run, _, new) = starting()
    run.candidate = [Difference(files: ["/c"], position: 2)]
    run.send(.workerReady(new[0]))
    #expect(run.machine.running?.number == 1)
    #expect(run.log.contains(.kill(new[1])))
  }
}
