import ReloadModel
import Testing

@testable import Supervision

/// Where memory counts, checkpoints give way to the mold that is kept for a roll back.
@Suite struct CheckpointMemory {
  private let files = (1...20).map { "/\($0)" }

  /// A running generation 1 of twenty files, with a checkpoint before each.
  private func serving(sparesMemory: Bool = true, checkpoints: Int = 20) -> MachineRun {
    var run = MachineRun(checkpoints: checkpoints, sparesMemory: sparesMemory)
    run.startBase()
    run.load(files, checkpoints: files)
    run.readyWorkers()
    return run
  }

  /// Saves the file at this position of the trace, and loads on from where the rewind leads, with a checkpoint before it.
  private func save(_ position: Int, in run: inout MachineRun) {
    run.save([files[position]], at: position)
    let start = run.machine.candidate!.generation.trace.events.count
    run.load(Array(files[start...]), checkpoints: start == position ? [] : [files[position]])
    run.readyWorkers()
  }

  private func positions(_ run: MachineRun) -> [Int] { run.machine.running!.checkpoints.map(\.position) }

  @Test func afterAReloadFewerStand() {
    var run = serving()
    #expect(positions(run) == Array(0..<20))
    save(19, in: &run)
    #expect(positions(run).count == 17)
    // The loader is not to drop any of those that stand: it remembers some that are closed.
    #expect(run.lastPlan.maximum > 100)
    #expect(run.log.filter { if case .close = $0 { true } else { false } }.count == 3)
  }

  @Test func theOneBeforeTheEditedFileStays() {
    var run = serving()
    for position in [12, 3, 12, 17, 12] {
      save(position, in: &run)
      #expect(positions(run).contains(0))
      #expect(positions(run).contains(position))
    }
  }

  @Test func aFirstStartThatLeavesTooManyIsThinnedOut() {
    let run = serving(checkpoints: 8)
    #expect(positions(run).count == 8)
    #expect(run.lastPlan.maximum == 16)
  }

  @Test func aColdStartThatLeavesMoreThanTheFirstDidMayKeepThem() {
    var run = MachineRun(checkpoints: 20, sparesMemory: true)
    run.startBase()
    run.load(files, checkpoints: [files[0]])
    run.readyWorkers()
    run.send(.coldStartDemanded)
    run.send(.baseReady(run.base_, loaded: []))
    run.load(files, checkpoints: files)
    run.readyWorkers()
    // Beside the mold of the old one, of which they share nothing.
    #expect(positions(run).count == CheckpointAllowance(most: 20).count(sharing: 0, of: files.count))
  }

  @Test func newWorkersOfTheSameCodeChangeNothing() {
    var run = serving()
    run.running = Difference(files: ["/template"], position: nil)
    run.send(.touched(respawning: ["/template"]))
    run.readyWorkers()
    #expect(positions(run) == Array(0..<20))
  }

  @Test func inDevelopmentAllStay() {
    var run = serving(sparesMemory: false)
    save(19, in: &run)
    #expect(positions(run) == Array(0..<20))
  }
}
