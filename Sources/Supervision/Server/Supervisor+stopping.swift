import Glibc
import ProcessProtocol
import Switchboard

/// Signals, and the orderly end.
extension Supervisor {
  func receiveSignals() {
    for event in signals.received() {
      switch event.signal {
      case SIGCHLD: reap()
      case let signal where restart.isDone:
        if let successor = restart.successor { forward(event, to: successor) }
        // A second one means now; the keeper, if there is one, stays until the server has ended.
        if signal == SIGINT { interrupts += 1 }
        if interrupts > 1 { finish(status: 128 + SIGINT) }
      case SIGHUP: reload()
      case SIGUSR1 where settings.accessLog.hasPrefix("/"):
        scoreboard.logEpoch += 1
        log.inform("each worker opens the access log anew with its next line (USR1)")
      case SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU: log.warn(Self.unused(event.signal))
      case SIGINT where stopping != .no: finish(status: 128 + SIGINT)
      default: stop()
      }
    }
  }

  /// Signals that other servers have a use for, and that would end this one if they were not caught.
  private static func unused(_ signal: Int32) -> String {
    switch signal {
    case SIGTTIN: "TTIN changes nothing: the number of workers is what -w says"
    case SIGTTOU: "TTOU changes nothing: the number of workers is what -w says"
    case SIGUSR1: "USR1 changes nothing: HUP reloads, TERM stops"
    default: "USR2 changes nothing: HUP reloads, TERM stops"
    }
  }

  /// Looks at everything; loads what differs, or else forks new workers.
  private func reload() {
    guard stopping == .no else { return }
    settings.life.manager.tell(.reloading, at: EventLoop.clock())
    noticeTouches()
    readCertificate()
    freshness.demanded(at: EventLoop.clock())
    isReloadAwaited = true
    handle(.demanded)
  }

  /// Accepts nothing more, lets requests in flight end, has the workers leave, and ends.
  func stop() {
    guard stopping == .no else { return }
    if isAwaited { return refuse("it was told to stop before it could serve") }
    if let successor = restart.successor { abandon(successor, "the server was told to stop") }
    stopping = .draining
    publish("stopping")
    dismissWaiters()
    settings.life.manager.tell(.stopping)
    handle(.stop)
    guard queue != nil else {
      finish(status: 0)
      return
    }
    switchboard.onDrained = { [unowned self] in leave() }
    switchboard.stopAccepting()
    closeDoors()
    switchboard.closeIdle()
    switchboard.resume()
    limitDrain()
  }

  /// Cuts off what takes longer than `--drain`.
  func limitDrain() {
    loop.after(drainTime) { [unowned self] in
      let left = switchboard.inFlight
      if left > 0 {
        log.warn("\(count(left, "connection")) cut off: not done in the \(settings.life.drain) s of --drain")
      }
      finish(status: 0)
    }
  }

  func leave() {
    stopping = .leaving
    handle(.drained)
    // Its end tells the workers to leave; they run their END blocks.
    switchboard.retire()
    queue = nil
    finishIfEmpty()
  }

  func finishIfEmpty() {
    if !processes.values.contains(where: \.isWorker) { finish(status: 0) }
  }
}
