import CLinux
import Glibc
import ProcessProtocol

extension Switchboard {
  /// A socket that connections come in on.
  struct Listener {
    let fd: Int32
    let port: UInt16
    /// Whether clients speak TLS here.
    let isSecure: Bool
  }

  /// Whether connections are accepted.
  enum Accepting: Equatable {
    case running
    /// No descriptors are left in the system: for a moment.
    case resting
    /// Every slot is in use: until one is free.
    case full
    /// Another server is about to take over: until it has, or has failed.
    case held
    /// For good.
    case stopped
  }

  /// Accepts connections on a bound and listening socket, which stays the caller's; `port` is 0 for Unix sockets. Those
  /// that are to be secure need a ``front``.
  public func listen(on fd: Int32, port: UInt16, isSecure: Bool = false) throws(SystemError) {
    cl_set_nonblocking(fd, true)
    let listener = Listener(fd: fd, port: port, isSecure: isSecure)
    try loop.watch(fd, .readable) { [unowned self] _ in accept(on: listener) }
    listeners.append(listener)
  }

  /// Takes no more connections, and from now on closes those that are given back without a further request.
  public func stopAccepting() {
    for listener in listeners { loop.unwatch(listener.fd) }
    listeners = []
    accepting = .stopped
    front?.stop()
    endStreams()
    scheduleTurnEnd()
  }

  /// Closes the connections that are parked, but for those whose next request has come: they are in flight now.
  public func closeIdle() {
    while let connection = longestIdle() { close(connection) }
  }

  /// The connection that has been parked for longest. Those whose next request has come in the meantime are parked no
  /// more.
  private func longestIdle() -> Connection? {
    while let slot = deadlines.first(.idle) {
      let connection = connections[slot]!
      guard cl_readable_bytes(connection.fd) > 0 else { return connection }
      setDeadline(connection, .head)
    }
    return nil
  }

  private func accept(on listener: Listener) {
    guard accepting == .running else { return }
    // Called because somebody waits, so room is made for that one at least; further ones have to call again.
    if freeSlots.isEmpty, !makeRoom() { return pause(.full) }
    for _ in 0..<Self.acceptBatch where !freeSlots.isEmpty {
      var address = sockaddr_storage()
      let fd = cl_accept(listener.fd, &address)
      guard fd >= 0 else {
        switch errno {
        case EAGAIN: return
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return rest(errno)
        case EINVAL, EBADF, ENOTSOCK, EOPNOTSUPP: return abandon(listener, errno)
        default: continue  // The connection was gone before it was accepted.
        }
      }
      said.remove(.descriptors)
      let peer = Peer(address, localPort: listener.port)
      if isIntroduced(by: peer) {
        awaitIntroduction(fd, peer, isSecure: listener.isSecure)
      } else if listener.isSecure {
        handOver(fd, peer, .secure)
      } else {
        open(fd, peer)
      }
    }
  }

  /// The socket does not listen any more: another program that has it, too, has shut it down.
  private func abandon(_ listener: Listener, _ code: Int32) {
    loop.unwatch(listener.fd)
    listeners.removeAll { $0.fd == listener.fd }
    let place = listener.port == 0 ? "a Unix socket" : "port \(listener.port)"
    report(
      "no more connections come on \(place), for another program has shut it down (\(SystemError.reason(code))): "
        + "those that are open are served. Restart nacre to listen there again")
  }

  /// Takes in a connection; nil if it is not served.
  @discardableResult
  func open(_ fd: Int32, _ peer: Peer) -> Connection? {
    let slot = Int(freeSlots.removeLast())
    let connection = connections[slot] ?? makeConnection(slot)
    do {
      try loop.watch(fd, [.readable, .once], handlers[slot]!)
    } catch {
      Glibc.close(fd)
      freeSlots.append(Int32(slot))
      reportOnce(.descriptors, "\(error): a connection was closed")
      return nil
    }
    accepted += 1
    connection.fd = fd
    connection.peer = peer
    connection.lowWater = 1
    connection.isOnEdge = false
    connection.comesFirst = false
    connection.truncations = 0
    connection.isTurnedAway = false
    connection.isTrusted = isTrusted(peer)
    connection.isTCP = peer.family != .unix && !peer.isPair
    // A proxy may have given it an address.
    if settings.takesProxyProtocol, connection.isTCP { connection.isTCP = Self.isTCP(fd) }
    store(connection, ClaimWord(serial: connection.word.serial &+ 1, epoch: 0, owner: ClaimWord.switchboard))
    connection.state = .parked
    // Nothing is idle once no more is accepted; only the front has something then, a stream begun before its end.
    setDeadline(connection, accepting == .stopped ? .head : .idle)
    if connection.isTCP {
      var on: Int32 = 1
      setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }
    if let maximum = settings.maximumConnections, served > maximum { makeRoom(for: connection) }
    return connection.isTurnedAway ? nil : connection
  }

  /// Whether what a peer says of its clients is believed.
  func isTrusted(_ peer: Peer) -> Bool {
    !settings.trustedProxies.isEmpty && settings.trustedProxies.contains(NetworkAddress(peer.family, peer.address))
  }

  private static func isTCP(_ descriptor: Int32) -> Bool {
    var domain: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain != AF_UNIX
  }

  /// The connections that are to be served.
  private var served: Int { scoreboard.slotCount - freeSlots.count - turnedAway }

  /// Closes the connection that has been idle for longest in favour of a new one, or else turns that one away.
  private func makeRoom(for connection: Connection) {
    deadlines.remove(connection.slot)
    if makeRoom() { return setDeadline(connection, .idle) }
    connection.isTurnedAway = true
    turnedAway += 1
    answer(connection, .tooManyConnections, isHead: false)
  }

  private func makeConnection(_ slot: Int) -> Connection {
    let connection = Connection(slot: slot)
    connections[slot] = connection
    handlers[slot] = { [unowned self, unowned connection] in handle(connection, $0) }
    return connection
  }

  /// Closes the connection that has been idle for longest, or else a stream; false if there is none.
  func makeRoom() -> Bool {
    guard let connection = longestIdle() ?? streams.first.flatMap({ connections[$0] }) else { return false }
    close(connection)
    return true
  }

  /// Accepts nothing for a moment, because the system has no descriptors or memory left (`code`).
  func rest(_ code: Int32) {
    reportOnce(.descriptors, "cannot accept connections for the moment: \(SystemError.reason(code))")
    pause(.resting)
    loop.after(100_000_000) { [weak self] in self?.acceptAgain(after: .resting) }
  }

  func pause(_ reason: Accepting) {
    accepting = reason
    for listener in listeners { loop.change(listener.fd, []) }
  }

  func acceptAgain(after reason: Accepting) {
    guard accepting == reason else { return }
    accepting = .running
    for listener in listeners { loop.change(listener.fd, .readable) }
  }

  // MARK: The end of a connection

  /// Stores a connection's claim word, which must be in the switchboard's hands.
  func store(_ connection: Connection, _ word: ClaimWord) {
    connection.word = word
    cl_store64(scoreboard.claim(connection.slot), word.rawValue)
  }

  /// Closes a connection that is in the switchboard's hands and frees its slot.
  func close(_ connection: Connection) {
    leaveLists(connection)
    loop.unwatch(connection.fd)
    // A copy may lie in the lending queue, or be with a process that the application has forked; the client is not to
    // wait for those.
    shutdown(connection.fd, Int32(SHUT_RDWR))
    Glibc.close(connection.fd)
    free(connection)
    if accepting == .stopped { scheduleTurnEnd() }
  }

  /// Frees the slot of a connection whose descriptor is closed, or somebody else's.
  func free(_ connection: Connection) {
    connection.fd = -1
    connection.state = .closed
    connection.body = nil
    clearCarried(connection)
    if connection.isTurnedAway { turnedAway -= 1 }
    freeSlots.append(Int32(connection.slot))
    acceptAgain(after: .full)
  }

  /// Takes the connection out of whatever lists it is in; one that waited does not any more.
  func leaveLists(_ connection: Connection) {
    let slot = connection.slot
    deadlines.remove(slot)
    lent.remove(slot)
    streams.remove(slot)
    unclaimed.remove(slot)
    if line.remove(slot) { scoreboard.addWaiting(-1) }
  }

  func clearCarried(_ connection: Connection) {
    guard !connection.carried.isEmpty else { return }
    if connection.carried.capacity > 4096 {
      connection.carried = []
    } else {
      connection.carried.removeAll(keepingCapacity: true)
    }
  }
}
