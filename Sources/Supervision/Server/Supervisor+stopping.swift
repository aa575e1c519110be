import Glibc
import Switchboard

/// Signals, and the orderly end.
extension Supervisor {
  func receiveSignals() {
    for signal in signals.received() {
      switch signal {
      case SIGCHLD: reap()
      case SIGHUP: reload()
      case SIGINT where stopping != .no: finish(status: 128 + SIGINT)
      default: stop()
      }
    }
  }

  /// Looks at everything; loads what differs, or else forks new workers.
  private func reload() {
    guard stopping == .no else { return }
    noticeTouches()
    freshness.demanded(at: EventLoop.clock())
    handle(.demanded)
  }

  /// Accepts nothing more, lets requests in flight end, has the workers leave, and ends.
  func stop() {
    guard stopping == .no else { return }
    stopping = .draining
    publish("stopping")
    dismissWaiters()
    handle(.stop)
    guard queue != nil else {
      finish(status: 0)
      return
    }
    switchboard.onDrained = { [unowned self] in leave() }
    switchboard.stopAccepting()
    // Who comes now is refused, and can go to another server, instead of waiting for one that ends.
    Glibc.close(listener.descriptor)
    switchboard.closeIdle()
    switchboard.resume()
    loop.after(Self.drainTime) { [unowned self] in finish(status: 0) }
  }

  private func leave() {
    stopping = .leaving
    // Its end tells the workers to leave; they run their END blocks.
    switchboard.retire()
    queue = nil
    finishIfEmpty()
  }

  func finishIfEmpty() {
    if !processes.values.contains(where: \.isWorker) { finish(status: 0) }
  }
}
