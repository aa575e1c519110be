import CLinux
import Glibc
import HTTP1
import Switchboard

/// One client of the control socket.
final class ControlConnection {
  /// What it is at.
  enum State {
    /// Waits for a request, or for the rest of one.
    case reading
    /// A request has been handed over and not been answered yet.
    case answering(keepsAlive: Bool)
    /// An answer is being written; then the next request, or the end.
    case writing(keepsAlive: Bool)
    /// Gets the events.
    case streaming
    case closed
  }

  /// The longest body of a request.
  static let maximumBody = 64 * 1024
  /// What may wait for a follower that does not read; more, and it is dropped.
  static let maximumBacklog = 256 * 1024
  /// How long a connection may rest between requests.
  static let rest: UInt64 = 60_000_000_000

  let descriptor: Int32
  private unowned let server: ControlServer
  private var state = State.reading
  private var input = ByteBuffer(capacity: 4096)
  private var head = RequestHead()
  private var output: [UInt8] = []
  private var written = 0
  private var timer: EventLoop.Timer?
  /// Whether the client has said that it sends no more.
  private var inputEnded = false
  private var hasContinued = false
  /// Whether the time for the request in the buffer runs.
  private var hasBegun = true

  var isStreaming: Bool { if case .streaming = state { true } else { false } }

  init(descriptor: Int32, server: ControlServer) {
    self.descriptor = descriptor
    self.server = server
  }

  /// Begins; a connection that is one too many is told so.
  func open(isWelcome: Bool) {
    do {
      try server.loop.watch(descriptor, .readable) { [weak self] in self?.ready($0) }
    } catch {
      close()
      return
    }
    if isWelcome { return limit(server.patience) }
    state = .answering(keepsAlive: false)
    finish(.problem(503, "\(ControlServer.maximum) connections are open already."))
  }

  func close() {
    if case .closed = state { return }
    state = .closed
    if let timer { server.loop.cancel(timer) }
    server.loop.unwatch(descriptor)
    Glibc.close(descriptor)
    server.forget(self)
  }

  private func limit(_ nanoseconds: UInt64?) {
    if let timer { server.loop.cancel(timer) }
    timer = nanoseconds.map { server.loop.after($0) { [weak self] in self?.close() } }
  }

  // MARK: Events

  private func ready(_ readiness: EventLoop.Readiness) {
    if inputEnded, readiness.contains(.readable) { return close() }
    if readiness.contains(.readable) { read() }
    if readiness.contains(.writable), written < output.count { write() }
  }

  private func read() {
    // More than a request with the longest body waits in the socket.
    while input.count <= Self.maximumBody + head.limits.maximumHead {
      let room = input.room(for: 4096)
      let count = Glibc.read(descriptor, room.baseAddress, room.count)
      if count > 0 {
        input.didWrite(count)
        continue
      }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { break }
      if count < 0 { return close() }
      inputEnded = true
      break
    }
    switch state {
    case .reading: parse()
    case .streaming:
      input.truncate()
      if inputEnded { return close() }
    case .answering, .writing:
      if input.count > Self.maximumBody { return close() }
    case .closed: return
    }
    attend()
  }

  /// Is told of what matters now; a client that sends no more would be readable for ever.
  private func attend() {
    if case .closed = state { return }
    if case .reading = state, inputEnded { return close() }
    var interest: EventLoop.Interest = inputEnded ? [] : .readable
    if written < output.count { interest.insert(.writable) }
    server.loop.change(descriptor, interest)
  }

  // MARK: Requests

  private func parse() {
    guard case .reading = state else { return }
    switch head.parse(input.bytes) {
    case .incomplete:
      // From its first byte on: whoever sends one byte every now and then does not hold the place for ever.
      if input.count > 0, !hasBegun {
        hasBegun = true
        limit(server.patience)
      }
    case .refused(let refusal): refuse(.problem(refusal.status, "\(refusal.explanation)"))
    case .complete(let length): collect(length)
    }
  }

  /// The head is there: takes the body as well.
  private func collect(_ headLength: Int) {
    var bodyLength = 0
    switch head.bodyFraming {
    case .none: break
    case .chunked: return refuse(.problem(411, "Send the body with a Content-Length."))
    case .length(let length):
      guard length <= Self.maximumBody else {
        return refuse(.problem(413, "The body is longer than \(Self.maximumBody) bytes."))
      }
      bodyLength = length
    }
    guard input.count >= headLength + bodyLength else {
      if head.expectsContinue, !hasContinued {
        hasContinued = true
        output += ResponseHead.continue.withUTF8Buffer { Array($0) }
        write()
      }
      return
    }
    let request = request(UnsafeRawBufferPointer(rebasing: input.bytes[headLength..<headLength + bodyLength]))
    let keepsAlive = head.keepsAlive
    input.removeFirst(headLength + bodyLength)
    hasContinued = false
    state = .answering(keepsAlive: keepsAlive)
    limit(nil)
    guard let request else { return finish(.problem(400, "The request target is not valid.")) }
    server.answer(request, ControlReply(self))
  }

  /// Answers and closes: nobody knows where the next request would begin.
  private func refuse(_ answer: ControlAnswer) {
    state = .answering(keepsAlive: false)
    finish(answer)
  }

  private func request(_ body: UnsafeRawBufferPointer) -> ControlRequest? {
    let bytes = input.bytes
    func text(_ range: ByteRange) -> String { String(decoding: range.slice(of: bytes), as: UTF8.self) }
    var parameters: [String: String] = [:]
    for pair in text(head.query).split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = decoded(parts[0]), let value = decoded(parts.count > 1 ? parts[1] : "") else { return nil }
      parameters[name] = value
    }
    guard let path = decoded(text(head.path)[...]) else { return nil }
    return ControlRequest(method: text(head.method), path: path, parameters: parameters, body: Array(body))
  }

  private func decoded(_ text: Substring) -> String? {
    let bytes = Array(text.utf8)
    let result = [UInt8](unsafeUninitializedCapacity: bytes.count) { memory, count in
      count =
        bytes.withUnsafeBytes { PercentEncoding.decode($0, into: UnsafeMutableRawBufferPointer(memory).baseAddress!) }
        ?? -1
      if count < 0 { count = 0 }
    }
    return result.isEmpty && !bytes.isEmpty ? nil : String(decoding: result, as: UTF8.self)
  }

  // MARK: Answers

  func finish(_ answer: ControlAnswer) {
    guard case .answering(let keeps) = state else { return }
    let keepsAlive = keeps && !inputEnded
    state = .writing(keepsAlive: keepsAlive)
    output += answer.encoded(keepsAlive: keepsAlive, now: time(nil))
    limit(server.patience)
    write()
  }

  func stream() {
    guard case .answering = state, !inputEnded else { return close() }
    state = .streaming
    limit(nil)
    send(
      Array(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
          .utf8))
  }

  /// Sends more of the events.
  func send(_ bytes: [UInt8]) {
    output += bytes
    if output.count - written > Self.maximumBacklog { return close() }
    write()
  }

  private func write() {
    while written < output.count {
      let count = output.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + written, $0.count - written, Int32(MSG_NOSIGNAL))
      }
      if count > 0 {
        written += count
      } else if count < 0, errno == EINTR {
        continue
      } else if count < 0, errno == EAGAIN {
        return attend()
      } else {
        return close()
      }
    }
    (output, written) = ([], 0)
    guard case .writing(let keepsAlive) = state else { return attend() }
    if !keepsAlive { return close() }
    state = .reading
    hasBegun = false
    limit(Self.rest)
    attend()
    // The next request may be there already; the loop keeps a long line of them from taking the stack.
    if input.count > 0 { server.loop.later { [weak self] in self?.parse() } }
  }
}
