import CLinux
import Glibc
import HTTP1
import ProcessProtocol

private let withoutSignal = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)

extension Switchboard {
  /// How much is sent to one connection before others get their turn.
  private static let sendBatch: UInt64 = 1024 * 1024

  /// Sends an answer of our own, then closes the connection with patience.
  func answer(_ connection: Connection, _ answer: Answer, isHead: Bool) {
    leaveLists(connection)
    setLowWater(connection, 1)
    answers[answer.status, default: 0] += 1
    let pending = PendingAnswer(answer.encoded(isHead: isHead, date: time(nil)))
    connection.state = .answering(pending)
    connection.body = nil
    clearCarried(connection)
    setDeadline(connection, .send)
    send(connection, pending)
  }

  /// Answers a waiting request with what is known about the failed code.
  func answer(_ connection: Connection, _ failure: FailureAnswer) {
    var (wantsPage, isForm, isHead) = (false, false, false)
    withRequestHead(of: connection) { bytes in
      guard case .complete = head.parse(bytes) else { return }
      isHead = head.isHead
      isForm = !isHead && !head.method.slice(of: bytes).elementsEqual("GET".utf8)
      wantsPage = head.takesPage(bytes)
    }
    answer(connection, Answer(failure, wantsPage: wantsPage, isForm: isForm), isHead: isHead)
  }

  /// Whether the waiting request wants no body in the response.
  func asksForHead(_ connection: Connection) -> Bool {
    var isHead = false
    withRequestHead(of: connection) {
      if case .complete = head.parse($0) { isHead = head.isHead }
    }
    return isHead
  }

  /// The bytes that the request of a waiting connection begins with, carried or in the socket.
  private func withRequestHead(of connection: Connection, _ body: (UnsafeRawBufferPointer) -> Void) {
    if !connection.carried.isEmpty { return connection.carried.withUnsafeBytes(body) }
    let flags = Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)
    let count = recv(connection.fd, buffer.baseAddress!, Self.window, flags)
    if count > 0 { body(UnsafeRawBufferPointer(start: buffer.baseAddress!, count: count)) }
  }

  // MARK: Sending

  /// Sends more of an answer of our own.
  func send(_ connection: Connection, _ answer: PendingAnswer) {
    while answer.sent < answer.bytes.count {
      let count = answer.bytes.withUnsafeBytes {
        Glibc.send(connection.fd, $0.baseAddress! + answer.sent, $0.count - answer.sent, withoutSignal)
      }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { return awaitWritable(connection) }
      guard count > 0 else { return close(connection) }
      answer.sent += count
      setDeadline(connection, .send)
    }
    beginLingering(connection)
  }

  /// Sends more of the end of a worker's response.
  func send(_ connection: Connection, _ rest: ResponseRest) {
    var budget = Self.sendBatch
    while rest.left > 0, budget > 0 {
      let count = sendfile(connection.fd, rest.file, &rest.offset, Int(min(rest.left, budget)))
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { break }
      // 0: the file is shorter than was said, and the response can only be cut off.
      guard count > 0 else { return close(connection) }
      rest.left -= UInt64(count)
      budget -= UInt64(count)
      setDeadline(connection, .send)
    }
    if rest.left > 0 {
      rest.wasSlow = true
      return awaitWritable(connection)
    }
    // The next response's worker is not to find a full socket: it would have to wait there.
    if rest.keeps, rest.wasSlow {
      rest.wasSlow = false
      return awaitWritable(connection)
    }
    if rest.keeps { park(connection) } else { finish(connection) }
  }

  // MARK: Closing with patience

  /// Closes a connection whose response has been sent. If the client has sent more than was read, closing at once
  /// would reset the connection, and the client might lose the response.
  func finish(_ connection: Connection) {
    if cl_readable_bytes(connection.fd) > 0 { beginLingering(connection) } else { close(connection) }
  }

  private func beginLingering(_ connection: Connection) {
    shutdown(connection.fd, Int32(SHUT_WR))
    setDeadline(connection, .linger)
    linger(connection, budget: settings.lingerBytes)
  }

  /// Reads and drops what the client still sends.
  func linger(_ connection: Connection, budget: Int) {
    var left = budget
    while left > 0 {
      let count = recv(connection.fd, buffer.baseAddress!, Self.window, Int32(MSG_DONTWAIT))
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        connection.state = .lingering(budget: left)
        return awaitReadable(connection)
      }
      guard count > 0 else { break }
      left -= count
    }
    close(connection)
  }
}

extension RequestHead {
  /// Whether the client shows HTML. A browser says so when a person goes somewhere; what scripts fetch, it does not.
  func takesPage(_ bytes: UnsafeRawBufferPointer) -> Bool {
    fields.contains { field in
      guard field.known == .accept else { return false }
      let accepted = String(decoding: field.value.slice(of: bytes), as: UTF8.self).lowercased()
      return accepted.contains("text/html") || accepted.contains("application/xhtml+xml")
    }
  }
}
