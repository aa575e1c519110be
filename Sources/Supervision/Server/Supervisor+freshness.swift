import FileWatching
import Glibc
import ProcessProtocol
public import Switchboard

/// The promise that a request which comes after a save sees the saved code or its error.
///
/// The order matters: `examining` is raised before events are read, and lowered after what they mean is published.
extension Supervisor: SwitchboardDelegate {
  /// Asked before each batch of requests in development.
  public func switchboardMayLend() -> Bool {
    noticeTouches()
    return isFresh || stopping != .no
  }

  /// A report of the switchboard.
  public func switchboard(reports text: String) { report(text) }

  /// Whether everything that was touched has led to a promotion, a rejection, or nothing.
  var isFresh: Bool { freshness.isQuiet && !machine.isBusy && events.isEmpty }

  /// Reads what was touched.
  func noticeTouches() {
    if freshness.holdsRequests { scoreboard.examining = 1 }
    freshness.drain(at: EventLoop.clock())
    awaitQuiet()
    if !isHandling { showFreshness() }
  }

  private func awaitQuiet() {
    // The end of a write brings it nearer.
    guard let time = freshness.settlesAt, time < settlingTimer?.at ?? .max else { return }
    if let settlingTimer { loop.cancel(settlingTimer.timer) }
    let now = EventLoop.clock()
    let timer = loop.after(time > now ? time - now : 0) { [unowned self] in
      settlingTimer = nil
      noticeTouches()
      if let files = freshness.settled(at: EventLoop.clock()) {
        if let settlingTimer { loop.cancel(settlingTimer.timer) }
        settlingTimer = nil
        handle(.touched(respawning: files))
      }
    }
    settlingTimer = (timer, time)
  }

  /// Tells the workers and the switchboard how things stand. While there is an error to show instead of the running
  /// generation, workers give back what they have.
  func showFreshness() {
    let isFresh = isFresh
    if isFresh { freshness.resolved() }
    let hasError = machine.rejection != nil
    // Where no events come, workers cannot see for themselves: every request passes the switchboard, which looks.
    let isBlind = freshness.watcher.polls
    if freshness.holdsRequests { scoreboard.examining = !isFresh || hasError || isBlind ? 1 : 0 }
    if isFresh, !wasFresh { switchboard.resume() }
    wasFresh = isFresh
  }

  func look(_ subject: GenerationMachine.Subject) {
    if freshness.holdsRequests { scoreboard.examining = 1 }
    if freshness.isAutomatic { freshness.watch(machine) }
    freshness.drain(at: EventLoop.clock())
    awaitQuiet()
    handle(.looked(freshness.look(subject, machine)))
    if freshness.isAutomatic, freshness.watcher.polls { pollSoon() }
  }

  /// Looks once a second at what sends no events.
  private func pollSoon() {
    guard pollTimer == nil else { return }
    pollTimer = loop.after(Self.second) { [unowned self] in
      pollTimer = nil
      noticeTouches()
      if freshness.watcher.polls { pollSoon() }
    }
  }
}
