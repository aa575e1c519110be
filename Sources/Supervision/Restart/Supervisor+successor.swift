import Glibc
import ProcessProtocol
import Switchboard

/// The first half of a restart: a server that takes the place of another one.
extension Supervisor {
  /// Listens to the server that this one is to replace.
  func watchPredecessor() throws(SystemError) {
    guard let predecessor = settings.life.predecessor else { return }
    try loop.watch(predecessor.channel.descriptor, .readable) { [unowned self] _ in hear(predecessor) }
  }

  /// Whether this server serves nobody because another one still does.
  var isAwaited: Bool { settings.life.predecessor?.isAwaited == true }

  /// The first generation could serve.
  func announceReadiness(to predecessor: Predecessor) {
    guard predecessor.stage == .loading else { return }
    predecessor.stage = .ready
    _ = predecessor.channel.send(.ready)
  }

  /// Ends this server, which has not served: the other one goes on.
  func refuse(_ reason: String) {
    settings.life.predecessor?.refuse(reason)
    finish(status: 1)
  }

  private func hear(_ predecessor: Predecessor) {
    // As many as fit into the time that others can wait; the descriptor stays readable.
    for _ in 0..<256 {
      switch predecessor.channel.receive(into: buffer) {
      case .message(let count, let descriptors):
        hear(UnsafeRawBufferPointer(rebasing: buffer[..<count]), descriptors, from: predecessor)
        if stopping != .no, predecessor.isAwaited { return }
      case .nothing: return
      case .ended: return isGone(predecessor)
      }
    }
  }

  private func hear(_ bytes: UnsafeRawBufferPointer, _ descriptors: [Int32], from predecessor: Predecessor) {
    var reader = WireReader(bytes)
    do {
      switch try RestartMessage(from: &reader) {
      case .takeOver where predecessor.stage == .ready: takeOver(from: predecessor)
      case .lead: lead(after: predecessor)
      case .connection:
        guard let descriptor = descriptors.first else { break }
        guard stopping == .no, let passed = try? PassedConnection(descriptor: descriptor, from: &reader) else {
          Glibc.close(descriptor)
          break
        }
        switchboard.takeIn(passed)
      default: break
      }
    } catch { report("the nacre that was replaced says what this one does not understand: \(error)") }
  }

  private func takeOver(from predecessor: Predecessor) {
    predecessor.stage = .serving
    do {
      try openDoors()
      if let metricsAddress { try openMetrics(metricsAddress) }
      // Last, for from then on the other server cannot be asked any more.
      try openControl(settings.control, for: ControlPlace.Address(of: listeners))
      try control?.start()
    } catch {
      log.fail("\(error)")
      predecessor.stage = .ready
      return refuse("\(error)")
    }
    // From here on nothing can go wrong any more, and the files are this server's.
    listeners = listeners.map(\.withFile)
    for listener in listeners { if let file = listener.file { protect(file.path) } }
    if let control { protect(control.socket.path) }
    watchControl()
    predecessor.dropOffered()
    begin()
    if predecessor.channel.send(.serving) != .passed { lead(after: predecessor) }
  }

  /// The service is this server's alone.
  private func lead(after predecessor: Predecessor) {
    guard predecessor.stage == .serving else { return }
    predecessor.stage = .leading
    settings.life.manager.tell(.ready(state))
    beat()
    dependOnKeeper(after: predecessor)
  }

  private func isGone(_ predecessor: Predecessor) {
    loop.unwatch(predecessor.channel.descriptor)
    predecessor.isGone = true
    switch predecessor.stage {
    case .loading, .ready:
      log.fail("the nacre that this one was to replace is gone")
      finish(status: 1)
    // It ended in the very moment: somebody has to serve.
    case .serving: lead(after: predecessor)
    case .leading: dependOnKeeper(after: predecessor)
    }
  }
}
