import Glibc
import ReloadModel
import Switchboard

/// Processes that somebody has stopped (`kill -STOP`, a debugger) and that do not answer until they go on.
///
/// What nobody waits for may stay as it is. What the server waits for, it has done by another process after a moment; a
/// request in a stopped worker waits for that worker.
extension Supervisor {
  /// How long a stopped process is waited for, in nanoseconds.
  static let stopPatience = second

  /// A process was stopped.
  func stopped(_ process: PerlProcess, by signal: Int32) {
    guard process.stop == nil else { return }
    // What it may have taken out of the queue and not begun is somebody else's now.
    if process.isWorker { switchboard.recall() }
    let timer = loop.after(Self.stopPatience) { [unowned self, unowned process] in doWithout(process) }
    process.stop = .init(since: loop.now, timer: timer)
    if stopping == .no {
      log.warn("the \(process.name) \(process.lastPid ?? 0) was stopped by \(SignalName.of(signal))")
    }
  }

  /// It goes on.
  func continued(_ process: PerlProcess) {
    guard let stop = process.stop else { return }
    loop.cancel(stop.timer)
    process.stop = nil
    // One that has been replaced leaves when its request is done.
    if process.isWorker, process.isDismissed { limit(process, to: drainTime + Self.second) }
    if stopping == .no { log.inform("the \(process.name) \(process.lastPid ?? 0) goes on") }
  }

  /// Does not wait for it any more, if anybody does.
  private func doWithout(_ process: PerlProcess) {
    // A person at the debugger's prompt may put whatever they like into the background.
    guard process.stop != nil, processes[process.token] != nil, !settings.debugs else { return }
    switch process.role {
    case .worker where machine.running?.workers[process.token] == true: replaceStopped(process)
    case .worker where process.isDismissed: break
    case .worker: process.send(signal: SIGKILL)
    case .base where machine.base == .starting(process.token): process.send(signal: SIGKILL)
    case .candidate where machine.candidate?.process == process.token && machine.candidate?.stage == .loading:
      process.send(signal: SIGKILL)
    case .census,
      .candidate where isOfExamination(process):
      process.send(signal: SIGKILL)
    case .base, .candidate, .checkpoint:
      if orders.values.contains(where: { $0.origin == process.token }) { process.send(signal: SIGKILL) }
    }
  }

  /// Another worker takes its place. It may have a request in hand, which ends when it goes on.
  private func replaceStopped(_ process: PerlProcess) {
    log.warn(
      "worker \(process.lastPid ?? 0) has been stopped for a second: another one takes its place, and it leaves when it "
        + "goes on")
    process.isDismissed = true
    process.send(signal: SIGTERM)
    handle(.ended(process.token, .init(ending: .exited(0))))
  }

  /// What has been stopped for long when it is asked to fork is not waited for.
  func endIfStopped(_ process: PerlProcess) {
    guard let stop = process.stop, EventLoop.clock() - stop.since > Self.stopPatience else { return }
    process.send(signal: SIGKILL)
  }
}

extension PerlProcess {
  /// What people know it as.
  var name: String {
    switch role {
    case .base: "base"
    case .candidate: "mold"
    case .checkpoint: "checkpoint"
    case .census: "census"
    case .worker: "worker"
    }
  }
}
