import CPerl
import Glibc
import HTTP1
import ProcessProtocol

/// The access log as one worker writes it: a line for each request, in one call, so that the lines of several workers
/// do not mix.
///
/// The file is opened with the first line and again when ``Scoreboard/logEpoch`` has changed (`USR1`). Until it can be
/// opened again the lines go where they went.
final class AccessLog {
  /// What is known of a request that has been answered.
  struct Entry {
    let head: UnsafeRawBufferPointer
    let environment: OpaquePointer
    let status: Int
    let bodyCount: Int
    /// From the request's arrival to the end of its response, in nanoseconds.
    let duration: UInt64
    /// Empty if requests have none.
    let requestID: UnsafeRawBufferPointer
  }

  private let path: String
  private let format: RunSettings.Service.LogFormat
  private let seat: WorkerSeat
  private let keys: EnvironmentKeys
  private let remoteUser = makeKey("REMOTE_USER")
  private var descriptor: Int32 = -1
  private var epoch: UInt64 = 0
  private var line = ByteBuffer()
  private var clock = LogClock()

  /// Nil if there is no access log.
  init?(_ seat: WorkerSeat, keys: EnvironmentKeys) {
    path = seat.settings.service.accessLog
    guard !path.isEmpty else { return nil }
    format = seat.settings.service.logFormat
    self.seat = seat
    self.keys = keys
  }

  /// Writes the line of the request whose head was parsed from `entry.head`.
  func write(_ entry: Entry, _ request: borrowing RequestHead) {
    guard open() else { return }
    line.truncate()
    switch format {
    case .combined: writeCombined(entry, request)
    case .timed:
      writeCombined(entry, request)
      line.append(" ")
      line.append(Int(entry.duration / 1000))
      line.append(" ")
      writeOrDash(entry.requestID)
    case .json: writeJSON(entry, request)
    }
    line.append("\n")
    while Glibc.write(descriptor, line.bytes.baseAddress, line.count) < 0, errno == EINTR {}
  }

  /// Sees to it that the file is open; false if there is none.
  private func open() -> Bool {
    let current = seat.scoreboard.logEpoch
    guard descriptor < 0 || current != epoch else { return true }
    epoch = current
    guard path != "-" else {
      descriptor = 1
      return true
    }
    let opened = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0o644)
    if opened < 0 {
      say(.report("the access log \(path) cannot be opened: \(String(cString: strerror(errno)))"), on: seat.channel)
      return descriptor >= 0
    }
    if descriptor >= 0 { close(descriptor) }
    descriptor = opened
    return true
  }

  // MARK: Formats

  /// `%h - %u [%t] "%r" %s %b "%{Referer}i" "%{User-Agent}i"`, as Plack::Middleware::AccessLog writes it.
  private func writeCombined(_ entry: Entry, _ request: borrowing RequestHead) {
    writeOrDash(text(keys.remoteAddress, of: entry.environment))
    line.append(" - ")
    writeOrDash(text(remoteUser, of: entry.environment))
    line.append(" [")
    clock.appendLocal(to: &line)
    line.append("] \"")
    writeEscaped(request.method.slice(of: entry.head))
    line.append(" ")
    writeEscaped(request.target.slice(of: entry.head))
    line.append(request.minorVersion == 0 ? " HTTP/1.0\" " : " HTTP/1.1\" ")
    line.append(entry.status)
    line.append(" ")
    line.append(entry.bodyCount)
    line.append(" \"")
    writeOrDash(field(request.value(of: .referer), of: entry))
    line.append("\" \"")
    writeOrDash(field(request.value(of: .userAgent), of: entry))
    line.append("\"")
  }

  private func writeJSON(_ entry: Entry, _ request: borrowing RequestHead) {
    line.append("{\"time\":\"")
    clock.appendUTC(to: &line)
    line.append("\"")
    member(",\"id\":", entry.requestID)
    member(",\"address\":", text(keys.remoteAddress, of: entry.environment))
    member(",\"user\":", text(remoteUser, of: entry.environment))
    member(",\"method\":", request.method.slice(of: entry.head))
    member(",\"target\":", request.target.slice(of: entry.head))
    line.append(request.minorVersion == 0 ? ",\"protocol\":\"HTTP/1.0\"" : ",\"protocol\":\"HTTP/1.1\"")
    member(",\"host\":", text(keys.host, of: entry.environment))
    line.append(",\"status\":")
    line.append(entry.status)
    line.append(",\"bytes\":")
    line.append(entry.bodyCount)
    line.append(",\"microseconds\":")
    line.append(Int(entry.duration / 1000))
    member(",\"referer\":", field(request.value(of: .referer), of: entry))
    member(",\"agent\":", field(request.value(of: .userAgent), of: entry))
    line.append(",\"generation\":")
    line.append(Int(seat.generation))
    line.append(",\"worker\":")
    line.append(Int(getpid()))
    line.append("}")
  }

  /// A member of a JSON object; none if there is no value.
  private func member(_ name: StaticString, _ value: UnsafeRawBufferPointer) {
    guard !value.isEmpty else { return }
    line.append(name)
    line.append("\"")
    writeEscaped(value, numbersAfter: "\\u00")
    line.append("\"")
  }

  private func writeOrDash(_ bytes: UnsafeRawBufferPointer) {
    if bytes.isEmpty { line.append("-") } else { writeEscaped(bytes) }
  }

  /// No byte of a client's may end the line or the quotes around it. In JSON, which must be valid, what is not ASCII
  /// is the Latin-1 character of that number, for clients send what they like.
  private func writeEscaped(_ bytes: UnsafeRawBufferPointer, numbersAfter prefix: StaticString = "\\x") {
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""): line.append("\\\"")
      case UInt8(ascii: "\\"): line.append("\\\\")
      case 0x20..<0x7F: writeByte(byte)
      default:
        line.append(prefix)
        if byte < 0x10 { line.append("0") }
        line.append(Int(byte), radix: 16)
      }
    }
  }

  private func writeByte(_ byte: UInt8) {
    line.room(for: 1).storeBytes(of: byte, as: UInt8.self)
    line.didWrite(1)
  }

  private func field(_ value: ByteRange?, of entry: Entry) -> UnsafeRawBufferPointer {
    value?.slice(of: entry.head) ?? UnsafeRawBufferPointer(start: nil, count: 0)
  }

  private func text(_ key: OpaquePointer, of environment: OpaquePointer) -> UnsafeRawBufferPointer {
    guard let value = cp_hash_get(environment, key), cp_is_defined(value) else {
      return UnsafeRawBufferPointer(start: nil, count: 0)
    }
    var count = 0
    let bytes = cp_bytes(value, &count)
    return UnsafeRawBufferPointer(start: bytes, count: count)
  }
}
