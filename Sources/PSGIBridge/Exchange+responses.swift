import CLinux
import CPerl
import Glibc
import HTTP1

extension Exchange {
  /// Writes the status line and the application's headers to the buffer; returns the status.
  func beginHead(_ response: cp_response) throws(ResponseProblem) -> Int {
    guard let base = UnsafeRawPointer(response.bytes),
      let status = Self.decimal(base + Int(response.status), Int(response.status_count))
    else { throw .badStatus }
    buffer.truncate()
    head = ResponseHead()
    do throws(ResponseFault) {
      try head.begin(status: status, in: &buffer)
      for index in 0..<response.header_count {
        let header = response.headers![index]
        try head.add(
          UnsafeRawBufferPointer(start: base + Int(header.name), count: Int(header.name_count)),
          UnsafeRawBufferPointer(start: base + Int(header.value), count: Int(header.value_count)), to: &buffer)
      }
    } catch {
      throw .fault(error)
    }
    return status
  }

  /// Decides the framing and completes the head in the buffer.
  func endHead(_ status: Int, knownBodyLength: Int?) throws(ResponseFault) -> ResponseFraming {
    let framing = try ResponseFraming.decide(
      requestMinorVersion: minorVersion, isHead: isHead, status: status, application: head.fields,
      knownBodyLength: knownBodyLength, keepsAlive: keepsAlive)
    head.addRequestID(requestID, to: &buffer)
    head.end(framing, now: time(nil), in: &buffer)
    self.status = status
    keepsAlive = framing.keepsAlive
    return framing
  }

  func makeHead(
    _ response: cp_response, knownBodyLength: Int?
  ) throws(Interruption) -> ResponseFraming {
    do throws(ResponseProblem) {
      let status = try beginHead(response)
      // A file may be longer than what the application says of it: the rest of it is not asked for.
      let known = response.kind == CP_RESPONSE_FILE && head.fields.contentLength != nil ? nil : knownBodyLength
      do throws(ResponseFault) {
        return try endHead(status, knownBodyLength: known)
      } catch {
        throw .fault(error)
      }
    } catch {
      throw .problem(error)
    }
  }

  private static func decimal(_ digits: UnsafeRawPointer, _ count: Int) -> Int? {
    guard count == 3 else { return nil }
    var number = 0
    for index in 0..<3 {
      let digit = digits.load(fromByteOffset: index, as: UInt8.self) &- 0x30
      guard digit < 10 else { return nil }
      number = number * 10 + Int(digit)
    }
    return number
  }

  /// A body that is there as a whole.
  func sendArray(_ response: cp_response) throws(Interruption) {
    let framing = try makeHead(response, knownBodyLength: response.body_count)
    let body = UnsafeRawBufferPointer(start: response.body, count: response.body_count)
    switch framing.body {
    case .none: sendEnd(buffer.bytes)
    case .length, .chunkedByApplication, .untilClose:
      bodyCount = body.count
      sendEnd(buffer.bytes, body)
    case .chunked:
      bodyCount = body.count
      if !body.isEmpty { buffer.appendChunkPrefix(body.count) }
      let end: StaticString = body.isEmpty ? "0\r\n\r\n" : "\r\n0\r\n\r\n"
      sendEnd(buffer.bytes, body, UnsafeRawBufferPointer(start: end.utf8Start, count: end.utf8CodeUnitCount))
    }
    stage = .given
  }

  /// A body that is a plain file: its own descriptor is read, or handed to the switchboard.
  func sendFile(_ response: cp_response) throws(Interruption) {
    let handle = response.handle!
    let available = max(0, Int(response.size - response.offset))
    let framing = try makeHead(response, knownBodyLength: available)
    switch framing.body {
    case .none: send(buffer.bytes)
    case .length(let length):
      beginResponding()
      bodyCount = min(length, available)
      // As one that waits, it would wait for a slow client.
      if hasShownConnection { cl_set_nonblocking(outlet.socket, true) }
      let isWhole = outlet.sendFile(
        buffer.bytes, response.fd, offset: Int(response.offset), count: bodyCount)
      if !isWhole || length > available { keepsAlive = false }
    case .chunked, .chunkedByApplication, .untilClose:
      try sendPieces(of: handle, framing)
      return
    }
    stage = .given
    try closeBody(handle)
  }

  /// A body that is asked for piece by piece.
  func sendPieces(_ response: cp_response) throws(Interruption) {
    let handle = response.handle!
    if let file = try openFile(of: handle) {
      defer { Glibc.close(file.fd) }
      var response = response
      (response.kind, response.fd, response.offset, response.size) = (CP_RESPONSE_FILE, file.fd, 0, file.size)
      return try sendFile(response)
    }
    let framing = try makeHead(response, knownBodyLength: nil)
    guard framing.body != .none else {
      send(buffer.bytes)
      stage = .given
      try closeBody(handle)
      return
    }
    try sendPieces(of: handle, framing)
  }

  /// The regular file whose path a body tells, whatever its lines would be (PSGI, "Body"); nil if there is none.
  private func openFile(of handle: OpaquePointer) throws(Interruption) -> (fd: Int32, size: Int64)? {
    var path: OpaquePointer?
    var status: Int32 = 0
    try Self.expectReturn(cp_body_path(handle, &path, &status), path, status)
    defer { cp_release(path) }
    var count = 0
    guard let path, let bytes = cp_octets(path, &count), count > 0 else { return nil }
    let descriptor = Glibc.open(bytes, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    var about = stat()
    guard fstat(descriptor, &about) == 0, about.st_mode & S_IFMT == S_IFREG, about.st_size > 0 else {
      Glibc.close(descriptor)
      return nil
    }
    return (descriptor, Int64(about.st_size))
  }

  /// The head goes out with the first piece: a body that dies at once can still be answered with 500.
  private func sendPieces(of handle: OpaquePointer, _ framing: ResponseFraming) throws(Interruption) {
    var writer = BodyWriter(framing)
    while let piece = try nextPiece(of: handle) {
      var count = 0
      guard let bytes = cp_octets(piece, &count) else {
        try interruptible { () throws(Exit) in try release(piece) }
        throw .problem(.wideBody)
      }
      if count > 0 { write(UnsafeRawBufferPointer(start: bytes, count: count), with: &writer) }
      try interruptible { () throws(Exit) in try release(piece) }
      if outlet.isBroken || writer.isFull { break }
    }
    end(writer)
    stage = .given
    try closeBody(handle)
  }

  private func nextPiece(of handle: OpaquePointer) throws(Interruption) -> OpaquePointer? {
    var piece: OpaquePointer?
    var status: Int32 = 0
    try Self.expectReturn(cp_body_next(handle, &piece, &status), piece, status)
    if cp_is_defined(piece) { return piece }
    cp_release(piece)
    return nil
  }

  /// The response is complete; what `close` complains about is reported and does not touch it.
  private func closeBody(_ handle: OpaquePointer) throws(Interruption) {
    try interruptible { () throws(Exit) in
      switch try callMethod("close", of: handle) {
      case .returned(let value): try release(value)
      case .died(let error):
        try report(error)
        try release(error)
      }
    }
  }
}
