import CLinux
import Glibc
import ProcessProtocol

/// Another server takes this one's place (`nacre restart`).
///
/// Whatever no worker has begun goes over to it: idle connections, those with a part of a head, and those that wait. What
/// a worker has in hand, and a body that is being collected, ends here; then those connections follow. A pair's other end
/// is in this process, so what comes over TLS or HTTP/2 is served here until it ends.
extension Switchboard {
  /// How far that is.
  enum Succession {
    /// Nobody comes.
    case none
    /// It is about to take over: nothing is accepted and lent meanwhile, so that no answer of ours comes after its first.
    case awaited
    /// It has taken over, and is given one connection after another.
    case passing((PassedConnection) -> PassingResult)
  }

  /// Whether nothing is to be begun for the moment.
  var awaitsSuccessor: Bool { if case .awaited = succession { true } else { false } }

  /// A generation's number that no worker has.
  private static let nobodys = UInt64.max
  /// How long to wait after the kernel refused a message.
  private static let departureInterval: UInt64 = 1_000_000

  /// Begins nothing more for the moment: the next server is about to take over. Workers give back what they have not
  /// begun.
  public func awaitSuccessor() {
    succession = .awaited
    pause(.held)
    publishedBefore = scoreboard.publishedGeneration
    scoreboard.publishedGeneration = Self.nobodys
    takeBackUnclaimed()
  }

  /// It did not take over: all goes on as before.
  public func goOnAlone() {
    succession = .none
    // Another generation may have been promoted meanwhile.
    if scoreboard.publishedGeneration == Self.nobodys { scoreboard.publishedGeneration = publishedBefore }
    acceptAgain(after: .held)
    resume()
  }

  /// It has taken over: gives it all connections, one by one, by calling `pass` with each that no worker has. Ends like
  /// ``stopAccepting()``, with ``onDrained``.
  public func passOn(_ pass: @escaping (PassedConnection) -> PassingResult) {
    succession = .passing(pass)
    scoreboard.publishedGeneration = Self.nobodys
    takeBackUnclaimed()
    stopAccepting()
    for connection in connections.lazy.compactMap(\.self) {
      switch connection.state {
      case .readingHead where departs(connection), .awaitingBody where departs(connection): depart(connection)
      // A pair has no other place to go to. Those whose next request has come are in flight.
      case .parked where !departs(connection):
        if cl_readable_bytes(connection.fd) > 0 { setDeadline(connection, .head) } else { close(connection) }
      default: break
      }
    }
    resume()
  }

  /// Takes in a connection that the server before this one has passed on; its descriptor is taken over.
  public func takeIn(_ passed: PassedConnection) {
    guard !freeSlots.isEmpty || makeRoom() else {
      Glibc.close(passed.descriptor)
      return
    }
    guard let connection = open(passed.descriptor, passed.peer), !passed.carried.isEmpty else { return }
    connection.carried = passed.carried
    park(connection)
  }

  // MARK: Departures

  /// Whether a connection that no worker has leaves for the next server.
  func departs(_ connection: Connection) -> Bool {
    if case .passing = succession { connection.body == nil && !connection.peer.isPair } else { false }
  }

  /// Has a connection leave at the end of this turn.
  func depart(_ connection: Connection) {
    leaveLists(connection)
    setLowWater(connection, 1)
    loop.unwatch(connection.fd)
    connection.state = .departing
    departing.append(connection.slot)
    scheduleTurnEnd()
  }

  /// Whether a connection is still to be passed on.
  var isPassingOn: Bool {
    if case .passing = succession { !departing.isEmpty || deadlines.count(.idle) > 0 } else { false }
  }

  /// Passes on what waits first, then what is idle. That stays watched until its turn comes: there may be thousands, and one
  /// that gets a request meanwhile is to go before the others.
  func passOnWaiting() {
    guard case .passing(let pass) = succession else { return }
    var next = line.first
    while let slot = next {
      next = line.slot(after: slot)
      if departs(connections[slot]!) { depart(connections[slot]!) }
    }
    while let slot = departing.first ?? deadlines.first(.idle) {
      let connection = connections[slot]!
      if departing.isEmpty { depart(connection) }
      let passed = PassedConnection(descriptor: connection.fd, peer: connection.peer, carried: connection.carried)
      switch pass(passed) {
      case .passed:
        Glibc.close(connection.fd)
        free(connection)
      case .later: return awaitRoom()
      case .never: close(connection)
      }
      departing.removeFirst()
    }
  }

  private func awaitRoom() {
    guard departureTimer == nil else { return }
    departureTimer = loop.after(Self.departureInterval) { [unowned self] in
      departureTimer = nil
      scheduleTurnEnd()
    }
  }
}
