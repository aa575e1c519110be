import PerlRuntime
import ProcessProtocol
import ReloadModel
import SourceFiles

// Where a load leaves copies of itself behind.
extension LoadTracer {
  /// Leaves a checkpoint before `file`, if one is wanted here. True in a candidate that was forked from it later.
  /// What stands in the way is reported where a source file is loaded, not before everything that is read.
  func leavesCheckpoint(before file: String, isSource: Bool = true) -> Bool {
    let time = Clock.microseconds() - loadBegan
    guard spacing.wantsCheckpoint(before: file, position: position, at: time), let host = HostProcess.current,
      OpenResources.threadCount() == 1
    else { return false }
    // One that writes source and loads it will remove it, mostly: a load that goes on from here would miss it.
    if loadsOwnWork(file) { return false }
    if let obstacle = OpenResources.obstacle(Descriptors.opened()) {
      if isSource { host.channel.send(.report("no checkpoint before \(file): \(obstacle)")) }
      return false
    }
    flush()
    timers = OpenResources.Timers()
    switch host.fork(.checkpoint, token: UInt32(position)) {
    case .inFork:
      cp_show_as("nacre checkpoint before \(file)")
      _ = spacing.left(before: file, position: position, at: time)
      host.waitAsOrigin(before: file)
      return true
    case .inOrigin:
      let dropped = spacing.left(before: file, position: position, at: time)
      if !dropped.isEmpty { host.channel.send(.dropCheckpoints(positions: dropped.map(UInt32.init))) }
      return false
    case .failed: return false
    }
  }
}
