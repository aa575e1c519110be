import FileWatching
import Glibc
import ProcessProtocol
import ReloadModel
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
    freshness.takesEverything = machine.isBusy || machine.unwanted != nil
    freshness.drain(at: EventLoop.clock())
    awaitQuiet()
    followPolling()
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
      if let burst = freshness.settled(at: EventLoop.clock()) {
        if let settlingTimer { loop.cancel(settlingTimer.timer) }
        settlingTimer = nil
        examine(burst)
      }
    }
    settlingTimer = (timer, time)
  }

  /// One finished save is acted on at once, though more may follow. If what it leads to fails, that is believed only when
  /// nothing did: nobody is to be told of an error in half a change. Whether this look was put off.
  private func putsOff(_ subject: GenerationMachine.Subject) -> Bool {
    guard subject == .candidate, case .failing = machine.candidate?.stage else { return false }
    let now = EventLoop.clock()
    guard now < freshness.isGuessUntil else { return false }
    loop.after(freshness.isGuessUntil - now) { [unowned self] in look(subject) }
    return true
  }

  private func examine(_ burst: Freshness.Burst) {
    journal.settledAt = EventLoop.clock()
    switch burst {
    case .nothing: showFreshness()
    case .changes(let files): handle(.touched(respawning: files))
    case .touch(let line):
      let list = ModulePatterns([line])
      // No list: whatever differs is loaded, and if nothing does, new workers at least know no old template.
      if line.allSatisfy(\.isWhitespace) || machine.unwanted != nil {
        journal.demandedBy = .touchFile
        return handle(.demanded)
      }
      freshness.touchList = list
      let before = (machine.running?.number, machine.candidate?.process)
      handle(.touched(respawning: []))
      if before == (machine.running?.number, machine.candidate?.process) { tell(touchedInVain: line, list) }
    }
  }

  /// Tells the workers and the switchboard how things stand. While there is an error to show instead of the running
  /// generation, workers give back what they have.
  func showFreshness() {
    let isFresh = isFresh
    if isFresh {
      freshness.resolved()
      settleReload()
    }
    let hasError = machine.rejection != nil
    // Where no events come, workers cannot see for themselves: every request passes the switchboard, which looks.
    let isBlind = freshness.watcher.polls || !workersSeeEvents
    if freshness.holdsRequests { scoreboard.examining = !isFresh || hasError || isBlind ? 1 : 0 }
    if isFresh, !wasFresh { switchboard.resume() }
    switchboard.isLoading = !isFresh
    wasFresh = isFresh
    awaitIdleness()
  }

  func look(_ subject: GenerationMachine.Subject) {
    if putsOff(subject) || noticeUpgrade() { return }
    if freshness.holdsRequests { scoreboard.examining = 1 }
    freshness.takesEverything = machine.isBusy || machine.unwanted != nil
    freshness.watch(machine)
    freshness.drain(at: EventLoop.clock())
    awaitQuiet()
    handle(.looked(freshness.look(subject, machine)))
    followPolling()
  }

  /// Has the loop tell when the kernel has queued events. Where it gave no queue at first, it may have done so later.
  func watchQueue() {
    let descriptor = freshness.watcher.descriptor
    guard descriptor != watchedQueue else { return }
    do {
      try loop.watch(descriptor, .readable) { [unowned self] _ in noticeTouches() }
      watchedQueue = descriptor
    } catch {
      report("\(error)")
    }
  }

  /// Looks now and then at what sends no events, and says so.
  private func followPolling() {
    watchQueue()
    tellHowFilesAreWatched()
    guard freshness.watcher.polls, freshness.trigger != .manual, pollTimer == nil else { return }
    pollTimer = loop.after(settings.watching.pollInterval) { [unowned self] in
      pollTimer = nil
      noticeTouches()
    }
  }
}
