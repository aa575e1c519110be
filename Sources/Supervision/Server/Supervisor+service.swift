import CLinux
import Glibc
import Switchboard

/// Where the server listens, and who is told that it serves.
extension Supervisor {
  /// Where requests are taken: `http://127.0.0.1:5000/ and unix:/run/app.sock`.
  var addresses: String { listeners.map(\.name).joined(separator: " and ") }

  /// Accepts connections.
  func openDoors() throws(SystemError) {
    for listener in listeners {
      try switchboard.listen(on: listener.descriptor, port: listener.port, isSecure: listener.isSecure)
    }
  }

  /// Who comes now is refused, and can go to another server, instead of waiting for one that ends.
  func closeDoors() {
    guard !areDoorsClosed else { return }
    areDoorsClosed = true
    switchboard.stopAccepting()
    for listener in listeners { listener.end() }
  }

  /// The first generation serves, or its failure is what is served.
  func begin() {
    guard !hasBegun else { return }
    if let predecessor = settings.life.predecessor, predecessor.isAwaited { return announceReadiness(to: predecessor) }
    hasBegun = true
    do {
      if settings.life.isBesideAnother, settings.life.predecessor == nil { try openDoors() }
    } catch {
      log.fail("\(error)")
      finish(status: 1)
      return
    }
    if let problem = settings.life.pidFile?.write(announce: { protect($0, as: $1) }) { log.warn(problem) }
    // One that takes another one's place says so when the manager knows it.
    if settings.life.predecessor == nil { settings.life.manager.tell(.ready(state)) }
  }

  /// Tells the service manager, as often as it wants, that the loop turns; also while the application loads or the
  /// server waits for its last requests.
  func beat() {
    if case .done = restart { return }
    guard settings.life.manager.socket != nil, let pulse = settings.life.manager.pulse else { return }
    settings.life.manager.tell(.alive)
    loop.after(pulse) { [unowned self] in beat() }
  }

  /// A reload that somebody has asked for reads the certificate, too.
  func readCertificate() {
    guard let problem = front?.reload() else { return }
    log.warn(problem)
    publish("report", text: problem)
  }

  /// What was touched or demanded has led to something.
  func settleReload() {
    guard isReloadAwaited, hasBegun else { return }
    isReloadAwaited = false
    settings.life.manager.tell(.ready(state))
  }

  /// One line for the service manager.
  var state: String {
    guard let running = machine.running else { return "the application does not load" }
    return machine.rejection == nil
      ? "generation \(running.number) serves" : "generation \(running.number) serves; newer code does not load"
  }
}
