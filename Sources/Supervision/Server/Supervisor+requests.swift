import Glibc
import ProcessProtocol
import Switchboard

/// A request that a worker has worked on for too long.
struct OverdueRequest {
  /// When it began, as the scoreboard says it.
  var since: UInt64
  /// Its method and path.
  var name: String
}

/// `--timeout`: no request holds a worker for ever.
extension Supervisor {
  /// Looks at the scoreboard twice a second.
  func watchRequests() {
    guard settings.life.timeout > 0 else { return }
    loop.after(Self.second / 2) { [unowned self] in
      for process in processes.values { endOverdueRequest(of: process) }
      watchRequests()
    }
  }

  private func endOverdueRequest(of process: PerlProcess) {
    guard process.overdue == nil, process.isWorker, let index = process.cell else { return }
    let cell = scoreboard.cell(index)
    let (since, now) = (cell.since, EventLoop.clock())
    guard since > 0, now > since, now - since > UInt64(settings.life.timeout) * Self.second else { return }
    process.overdue = OverdueRequest(since: since, name: cell.request ?? "a request")
    // It writes where it is into its cell, if it can, and stays there.
    cell.clearLocation()
    cell.condemned = since
    process.send(signal: SIGUSR2)
    awaitPlace(of: process, cell, looks: 20)
  }

  private func awaitPlace(of process: PerlProcess, _ cell: ScoreboardCell, looks: Int) {
    guard processes[process.token] != nil, let overdue = process.overdue else { return }
    guard cell.since == overdue.since else {
      // It is done at the last moment.
      process.overdue = nil
      cell.condemned = 0
      return
    }
    if looks == 0 || cell.location != nil { return process.send(signal: SIGKILL) }
    loop.after(10_000_000) { [unowned self] in awaitPlace(of: process, cell, looks: looks - 1) }
  }

  /// Tells why a worker was killed.
  func tell(_ overdue: OverdueRequest, of pid: pid_t, at location: (file: String, line: UInt32)?) {
    let place = location.map { "; it was at \($0.file) line \($0.line)" } ?? ""
    log.warn(
      "worker \(pid) was ended: \(overdue.name) took longer than \(settings.life.timeout) s (--timeout)\(place). "
        + "Another worker takes its place")
  }
}
