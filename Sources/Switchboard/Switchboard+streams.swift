import CLinux
import Glibc
import HTTP1
import ProcessProtocol

/// Streams of events (`text/event-stream`) that tell open error pages how the code stands.
///
/// They are no requests in flight: they hold no worker, and neither a full table nor the end of the server waits for
/// them. Whoever does not take the few bytes that are sent is dropped, and asks again.
extension Switchboard {
  /// How the code stands, in the words of the stream.
  enum Standing: Equatable {
    /// Code is being loaded, or looked for.
    case loading
    /// Requests go to workers.
    case good
    /// Requests are answered with the failure of this name.
    case failed(String)

    var event: [UInt8] {
      let state =
        switch self {
        case .loading: FailureAnswer.loading
        case .good: "good"
        case .failed(let name): FailureAnswer.state(named: name)
        }
      return Array("data: \(state)\n\n".utf8)
    }
  }

  private var standing: Standing {
    if isLoading { return .loading }
    if let answer { return .failed(answer.name) }
    return queue == nil ? .loading : .good
  }

  /// Whether a head asks for the stream. Other methods, and any request outside of development, are the application's.
  func asksForStream(_ bytes: UnsafeRawBufferPointer) -> Bool {
    settings.maximumStreams > 0 && ReservedPath.contains(head.path.slice(of: bytes))
      && head.method.slice(of: bytes).elementsEqual("GET".utf8) && head.bodyFraming == .none
  }

  /// Answers a request that is there, carried or in the socket, with a stream.
  func beginStream(_ connection: Connection) {
    guard streams.count < settings.maximumStreams else { return answer(connection, .tooManyStreams, isHead: false) }
    guard accepting != .stopped else { return close(connection) }
    setLowWater(connection, 1)
    clearCarried(connection)
    // The others are told first, so that one note is enough of what was told last.
    tellStreams()
    told = standing
    connection.state = .streaming
    streams.append(connection.slot)
    if connection.isTCP {
      // A client that is gone without a word is found when a heartbeat is not acknowledged.
      var patience = UInt32(2 * settings.heartbeat / 1_000_000)
      setsockopt(
        connection.fd, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &patience, socklen_t(MemoryLayout<UInt32>.size))
    }
    let head = Answer.streamHead(date: time(nil))
    guard send(connection, head + Array("retry: 1000\n".utf8) + told.event) else { return close(connection) }
    setDeadline(connection, .heartbeat)
    readStream(connection)
  }

  /// Drops what a client sends; a stream ends when the client's side does.
  func readStream(_ connection: Connection) {
    let count = recv(connection.fd, buffer.baseAddress!, Self.window, Int32(MSG_DONTWAIT))
    if count == 0 || count == Self.window { return close(connection) }
    if count < 0, errno != EAGAIN, errno != EINTR { return close(connection) }
    awaitReadable(connection)
  }

  /// Shows that the connection is still there.
  func beat(_ connection: Connection) {
    if send(connection, Array(":\n\n".utf8)) { setDeadline(connection, .heartbeat) } else { close(connection) }
  }

  /// Tells every stream how the code stands, if that is new.
  func tellStreams() {
    guard !streams.isEmpty, told != standing else { return }
    told = standing
    let event = told.event
    var next = streams.first
    while let slot = next {
      next = streams.slot(after: slot)
      if send(connections[slot]!, event) {
        setDeadline(connections[slot]!, .heartbeat)
      } else {
        close(connections[slot]!)
      }
    }
  }

  /// Ends all streams.
  func endStreams() {
    while let slot = streams.first { close(connections[slot]!) }
  }

  /// Sends all of it or says no: with nothing to read for so long, the socket has room for it.
  private func send(_ connection: Connection, _ bytes: [UInt8]) -> Bool {
    Glibc.send(connection.fd, bytes, bytes.count, Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)) == bytes.count
  }
}
