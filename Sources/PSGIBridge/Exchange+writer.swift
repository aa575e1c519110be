import CPerl
import HTTP1

/// Frames the pieces of a body.
struct BodyWriter {
  let framing: ResponseFraming.Body
  /// What is left of a known length.
  var remaining: Int

  init(_ framing: ResponseFraming) {
    self.framing = framing.body
    remaining = if case .length(let length) = framing.body { length } else { 0 }
  }

  /// Whether the promised length has been written.
  var isFull: Bool { if case .length = framing { remaining == 0 } else { false } }
}

extension Exchange {
  private static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  /// Sends a piece, not empty, behind what the buffer holds.
  func write(_ piece: UnsafeRawBufferPointer, with writer: inout BodyWriter) {
    outlet.makeRoom()
    switch writer.framing {
    case .none: break
    case .length:
      let count = min(piece.count, writer.remaining)
      writer.remaining -= count
      bodyCount += count
      send(buffer.bytes, UnsafeRawBufferPointer(rebasing: piece[..<count]))
    case .chunkedByApplication, .untilClose:
      bodyCount += piece.count
      send(buffer.bytes, piece)
    case .chunked:
      bodyCount += piece.count
      buffer.appendChunkPrefix(piece.count)
      let end = ChunkFraming.end
      send(buffer.bytes, piece, UnsafeRawBufferPointer(start: end.utf8Start, count: end.utf8CodeUnitCount))
    }
    buffer.truncate()
  }

  /// Sends what ends the body.
  func end(_ writer: BodyWriter) {
    // The client waits for bytes that do not come.
    if case .length = writer.framing, writer.remaining > 0 { keepsAlive = false }
    if writer.framing == .chunked { buffer.append(ChunkFraming.last) }
    if buffer.count > 0 { sendEnd(buffer.bytes) }
    buffer.truncate()
  }

  /// A response whose body the application writes. The head goes out at once: the first piece may be long in coming.
  func open(_ response: cp_response) throws(Interruption) {
    let framing = try makeHead(response, knownBodyLength: nil)
    send(buffer.bytes)
    buffer.truncate()
    stage = .open(BodyWriter(framing))
  }

  /// The writer was closed, or nobody can write any more.
  func endBody() {
    guard case .open(let writer) = stage else { return }
    outlet.makeRoom()
    end(writer)
    stage = .given
  }

  // MARK: What the application's subs ask for

  /// The application calls its responder.
  func respond(_ serial: UInt64, _ response: OpaquePointer) -> cp_hook_result {
    guard serial == self.serial, case .delayed = stage else {
      return Self.throwing("this responder has already been called")
    }
    do throws(Interruption) { try answer(response, asDelayed: true) } catch { return Self.result(of: error) }
    if case .open = stage { return cp_hook_result(kind: CP_HOOK_WRITER, error: nil, status: 0) }
    return Self.done
  }

  /// The application writes to its writer.
  func write(_ serial: UInt64, _ piece: UnsafeRawBufferPointer) -> cp_hook_result {
    guard serial == self.serial, case .open(var writer) = stage else {
      return Self.throwing("the response that this writer belongs to has ended")
    }
    if !piece.isEmpty, writer.framing != .none {
      write(piece, with: &writer)
      stage = .open(writer)
    }
    // An endless stream must learn that nobody listens, or it would keep the worker for ever.
    return outlet.isBroken ? Self.throwing("the client has closed the connection") : Self.done
  }

  /// The application closes its writer.
  func close(_ serial: UInt64) -> cp_hook_result {
    if serial == self.serial { endBody() }
    return Self.done
  }

  /// The application sends an informational response, such as 103 with links, before its response.
  func inform(_ given: OpaquePointer) -> cp_hook_result {
    if case .given = stage { return Self.throwing("the request is over") }
    guard !hasBegun, !isAnswering else {
      return Self.throwing("the response has begun: informational responses come before it")
    }
    do throws(Interruption) { try beginInforming(given) } catch { return Self.result(of: error) }
    buffer.append("\r\n")
    // Clients of HTTP/1.0 know none (RFC 9110, 15.2).
    if minorVersion > 0 { outlet.send(buffer.bytes) }
    return Self.done
  }

  /// Writes the head of an informational response to the buffer.
  private func beginInforming(_ given: OpaquePointer) throws(Interruption) {
    var (response, error, status) = (cp_response(), OpaquePointer?.none, Int32(0))
    try Self.expectReturn(cp_read_response(given, &response, &error, &status), error, status)
    do throws(ResponseProblem) {
      if let problem = ResponseProblem(response.kind) { throw problem }
      let number = try beginHead(response)
      // 101 hands the connection over, which is for `psgix.io`.
      guard 100..<200 ~= number, number != 101 else { throw .notInformational }
    } catch { throw .problem(error) }
  }

  /// What the sub that called a hook is to do.
  private static func result(of interruption: Interruption) -> cp_hook_result {
    switch interruption {
    case .problem(let problem): throwing("Nacre: \(problem)")
    case .died(let thrown):
      cp_hook_result(kind: CP_HOOK_THROW, error: thrown.value ?? makeString("unknown error\n"), status: 0)
    case .exited(let exit): cp_hook_result(kind: CP_HOOK_EXIT, error: nil, status: exit.status)
    }
  }

  private static var done: cp_hook_result { cp_hook_result(kind: CP_HOOK_DONE, error: nil, status: 0) }

  private static func throwing(_ text: String) -> cp_hook_result {
    cp_hook_result(kind: CP_HOOK_THROW_WITH_PLACE, error: makeString(text), status: 0)
  }
}

/// The exchange that responders and writers talk to. A worker is one thread and has one.
nonisolated(unsafe) private var current: Exchange?

/// Lets responders and writers reach an exchange.
func installHooks(for exchange: Exchange) {
  current = exchange
  cp_set_psgi_hooks(
    cp_psgi_hooks(
      respond: { serial, response in current!.respond(serial, response) },
      write: { serial, bytes, count in current!.write(serial, UnsafeRawBufferPointer(start: bytes, count: count)) },
      close: { serial in current!.close(serial) },
      connection: { serial in current!.showConnection(serial) },
      inform: { response in current!.inform(response) }))
}
