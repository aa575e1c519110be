/// Writes a response's head, field by field, behind what a buffer holds.
///
///     var head = ResponseHead()
///     try head.begin(status: 200, in: &buffer)
///     try head.add(name, value, to: &buffer)
///     let framing = try ResponseFraming.decide(..., application: head.fields, ...)
///     head.end(framing, now: seconds, in: &buffer)
///
/// After an error the caller truncates the buffer to where the head began.
public struct ResponseHead: Sendable {
  /// The `100 Continue` that a client waits for before it sends its body.
  public static let `continue`: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

  /// What the fields added so far say about the framing.
  public private(set) var fields = ApplicationFields()

  /// A head that has not begun.
  public init() {}

  /// Writes the status line. The version is the server's, whatever the client speaks (RFC 9110, 2.5).
  public mutating func begin(status: Int, in buffer: inout ByteBuffer) throws(ResponseFault) {
    guard 100...999 ~= status else { throw .badStatus(status) }
    fields = ApplicationFields()
    buffer.append("HTTP/1.1 ")
    buffer.append(status)
    buffer.append(" ")
    buffer.append(ReasonPhrase.of(status))
    buffer.append("\r\n")
  }

  /// Adds an application's field. Content-Length, Transfer-Encoding, Connection and Keep-Alive are noted in ``fields``
  /// and not written: what they shall be is decided at the ``end(_:now:in:)``.
  public mutating func add(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, to buffer: inout ByteBuffer
  ) throws(ResponseFault) {
    guard name.isToken else { throw .badFieldName }
    guard value.isFieldValue else { throw .badFieldValue }
    if try note(name, value) {
      buffer.append(name)
      buffer.append(": ")
      buffer.append(value)
      buffer.append("\r\n")
    }
  }

  /// Notes what a field says about the framing; true if it is to be written as it is.
  private mutating func note(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) throws(ResponseFault) -> Bool {
    switch name.count {
    case 4 where name.spells("date"):
      fields.hasDate = true
    case 12 where name.spells("x-request-id"):
      fields.hasRequestID = true
    case 10 where name.spells("connection"):
      for item in ListItems(value) where item.spells("close") { fields.closes = true }
      return false
    case 10 where name.spells("keep-alive"):
      return false
    case 14 where name.spells("content-length"):
      let length = value.decimalValue
      guard let length else { throw .badContentLength }
      guard fields.contentLength == nil || fields.contentLength == length else { throw .differentContentLengths }
      fields.contentLength = length
      return false
    case 17 where name.spells("transfer-encoding"):
      for item in ListItems(value) where item.spells("chunked") { fields.isChunked = true }
      return false
    default: break
    }
    return true
  }

  /// Adds a request's id, unless the application gave one; nothing if it is empty.
  public mutating func addRequestID(_ id: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
    guard !id.isEmpty, !fields.hasRequestID else { return }
    buffer.append("X-Request-Id: ")
    buffer.append(id)
    buffer.append("\r\n")
  }

  /// Writes the fields that the framing needs, the date unless the application gave one, and the empty line.
  /// - Parameter now: Seconds since the epoch.
  public func end(_ framing: ResponseFraming, now: Int, in buffer: inout ByteBuffer) {
    if !fields.hasDate {
      buffer.append("Date: ")
      buffer.appendDate(now)
      buffer.append("\r\n")
    }
    if let length = framing.contentLength {
      buffer.append("Content-Length: ")
      buffer.append(length)
      buffer.append("\r\n")
    }
    switch framing.body {
    case .chunked, .chunkedByApplication: buffer.append("Transfer-Encoding: chunked\r\n")
    case .none, .length, .untilClose: break
    }
    if !framing.keepsAlive {
      buffer.append("Connection: close\r\n")
    } else if framing.saysKeepAlive {
      buffer.append("Connection: keep-alive\r\n")
    }
    buffer.append("\r\n")
  }
}

extension ResponseHead {
  /// Writes a whole response that the server itself gives (a refusal, `502`, `503`), after which the connection is
  /// closed.
  ///
  /// - Parameters:
  ///   - status: The status.
  ///   - contentType: The type of the body.
  ///   - body: The body; for HEAD only its length is told.
  ///   - isHead: Whether the request's method was HEAD.
  ///   - retryAfter: The value of a Retry-After field in seconds.
  ///   - now: Seconds since the epoch.
  ///   - buffer: Where it is appended.
  public static func writeAnswer(
    status: Int, contentType: StaticString = "text/plain; charset=utf-8", body: UnsafeRawBufferPointer,
    isHead: Bool = false, retryAfter: Int? = nil, now: Int, in buffer: inout ByteBuffer
  ) {
    var head = ResponseHead()
    // Statuses of this function are the server's own.
    try! head.begin(status: status, in: &buffer)
    buffer.append("Content-Type: ")
    buffer.append(contentType)
    buffer.append("\r\n")
    if let retryAfter {
      buffer.append("Retry-After: ")
      buffer.append(retryAfter)
      buffer.append("\r\n")
    }
    let framing = ResponseFraming(
      body: isHead ? .none : .length(body.count), contentLength: body.count, keepsAlive: false, saysKeepAlive: false)
    head.end(framing, now: now, in: &buffer)
    if !isHead { buffer.append(body) }
  }

  /// Writes the whole answer to a refused request, after which the connection is closed.
  public static func writeAnswer(to refusal: Refusal, now: Int, in buffer: inout ByteBuffer) {
    let text = refusal.explanation
    writeAnswer(
      status: refusal.status, body: UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount),
      now: now, in: &buffer)
  }
}
