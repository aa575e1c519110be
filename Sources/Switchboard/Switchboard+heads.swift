import CLinux
import Glibc
import HTTP1
import ProcessProtocol

private let dontWait = Int32(MSG_DONTWAIT)
private let peek = Int32(MSG_PEEK)

extension Switchboard {
  /// Waits, once, until there is something to read.
  func awaitReadable(_ connection: Connection) {
    connection.isOnEdge = false
    loop.change(connection.fd, [.readable, .once])
  }

  /// Waits, once, until there is room to write.
  func awaitWritable(_ connection: Connection) {
    connection.isOnEdge = false
    loop.change(connection.fd, [.writable, .once])
  }

  /// What a connection's descriptor is ready for.
  func handle(_ connection: Connection, _ readiness: EventLoop.Readiness) {
    switch connection.state {
    case .parked, .readingHead:
      if connection.carried.isEmpty {
        peekAtHead(connection, ended: readiness.contains(.ended))
      } else {
        readMoreOfCarriedHead(connection)
      }
    case .introducing(let isSecure): introduce(connection, isSecure: isSecure)
    case .awaitingBody(let total, _): lookForBody(connection, total: total, ended: readiness.contains(.ended))
    case .collecting(let collection): collect(connection, collection)
    case .sendingRest(let rest): send(connection, rest)
    case .answering(let answer): send(connection, answer)
    case .lingering(let budget): linger(connection, budget: budget)
    case .streaming: readStream(connection)
    // An edge-triggered watch is left as it is while the connection waits and is lent.
    case .waiting, .lent, .departing, .closed: break
    }
  }

  /// Waits for a request: looks at what is carried, then at the socket.
  func park(_ connection: Connection) {
    connection.state = .parked
    if departs(connection) { return depart(connection) }
    if !connection.carried.isEmpty { return lookAtCarriedHead(connection) }
    // A request may be in the socket already, and then it is served first.
    if accepting == .stopped, cl_readable_bytes(connection.fd) <= 0 { return close(connection) }
    // Nothing is idle once no more is accepted: what is there has to be served before all is drained.
    setDeadline(connection, accepting == .stopped ? .head : .idle)
    awaitReadable(connection)
    // There is one now that can make room.
    acceptAgain(after: .full)
  }

  // MARK: Heads in the socket

  /// Nearly all heads are shorter than this; what is looked at is copied.
  private static let firstLook = 4096

  private func peekAtHead(_ connection: Connection, ended: Bool, room: Int = Switchboard.firstLook) {
    let count = recv(connection.fd, buffer.baseAddress!, room, peek | dontWait)
    guard count > 0 else {
      if count < 0, errno == EAGAIN || errno == EINTR { return awaitReadable(connection) }
      return close(connection)
    }
    let bytes = UnsafeRawBufferPointer(start: buffer.baseAddress!, count: count)
    switch head.parse(bytes) {
    case .complete where asksForStream(bytes): beginStream(connection)
    case .complete(let length):
      let available = count < room ? count : max(count, Int(cl_readable_bytes(connection.fd)))
      admit(connection, headLength: length, available: available)
    case .incomplete where count == room && room < Self.window:
      peekAtHead(connection, ended: ended, room: Self.window)
    case .refused where beginsHTTP2(connection, bytes): handOver(connection, .http2)
    case .refused(let refusal): answer(connection, Answer(refusal), isHead: false)
    case .incomplete:
      // The client has closed its side in the middle of a head: nobody waits for an answer.
      if ended { return close(connection) }
      beginHead(connection)
      awaitMore(connection)
    }
  }

  private func beginHead(_ connection: Connection) {
    if case .readingHead = connection.state { return }
    connection.state = .readingHead
    setDeadline(connection, .head)
  }

  /// Waits for more than the bytes that were only peeked at, and that keep the socket readable. The watch is set once: a client
  /// that sends byte by byte costs a look for each, and nothing else.
  func awaitMore(_ connection: Connection) {
    guard !connection.isOnEdge else { return }
    connection.isOnEdge = true
    loop.change(connection.fd, [.readable, .edge])
  }

  func setLowWater(_ connection: Connection, _ count: Int32) {
    guard connection.lowWater != count else { return }
    connection.lowWater = count
    var value = count
    setsockopt(connection.fd, SOL_SOCKET, SO_RCVLOWAT, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  // MARK: Heads in carried bytes

  private func lookAtCarriedHead(_ connection: Connection) {
    let (parsed, isStream) = connection.carried.withUnsafeBytes { bytes in
      let parsed = head.parse(bytes)
      if case .complete = parsed { return (parsed, asksForStream(bytes)) }
      return (parsed, false)
    }
    switch parsed {
    case .complete where isStream: beginStream(connection)
    case .complete(let length): admit(connection, headLength: length, available: connection.carried.count)
    case .refused(let refusal): answer(connection, Answer(refusal), isHead: false)
    case .incomplete:
      beginHead(connection)
      awaitReadable(connection)
    }
  }

  /// What has been read cannot be peeked at: the rest of the head is read behind it.
  private func readMoreOfCarriedHead(_ connection: Connection) {
    let room = Loan.maximumCarried - connection.carried.count
    let count = recv(connection.fd, buffer.baseAddress!, min(room, Self.window), dontWait)
    guard count > 0 else {
      if count < 0, errno == EAGAIN || errno == EINTR { return awaitReadable(connection) }
      return close(connection)
    }
    connection.carried.append(contentsOf: UnsafeRawBufferPointer(start: buffer.baseAddress!, count: count))
    lookAtCarriedHead(connection)
  }

  // MARK: Whole heads

  /// Decides what is to be done with a request whose head (described by `head`) is there: lend it as it is, if its
  /// body is there too, or collect the body first. `available` counts the bytes that are there, head included.
  private func admit(_ connection: Connection, headLength: Int, available: Int) {
    switch head.bodyFraming {
    case .none:
      becomeReady(connection)
    case .length(let length):
      if let maximum = settings.maximumBody, UInt64(length) > maximum {
        return answer(connection, .bodyTooLarge, isHead: head.isHead)
      }
      if length <= Self.window - headLength, headLength + length <= available { return becomeReady(connection) }
      if canAwaitBody(connection, headLength + length) { return awaitBody(connection, total: headLength + length) }
      beginCollecting(connection, headLength: headLength, .length(UInt64(length)))
    case .chunked:
      beginCollecting(connection, headLength: headLength, .chunked(ChunkedDecoder()))
    }
  }

  /// Puts a connection with a whole request into the line.
  func becomeReady(_ connection: Connection) {
    setLowWater(connection, 1)
    guard line.count < settings.maximumWaiting || connection.comesFirst else {
      return answer(connection, .tooMuchWaiting, isHead: asksForHead(connection))
    }
    scoreboard.addWaiting(1)
    enterLine(connection, inFront: connection.comesFirst)
    connection.comesFirst = false
  }

  /// Puts a connection that is already counted as waiting into the line.
  func enterLine(_ connection: Connection, inFront: Bool) {
    connection.state = .waiting
    if inFront { line.prepend(connection.slot) } else { line.append(connection.slot) }
    setDeadline(connection, .hold)
    scheduleTurnEnd()
  }
}
