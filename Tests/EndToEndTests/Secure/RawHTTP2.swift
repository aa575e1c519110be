import Foundation

/// A client that says exactly the frames that it is told to, in clear text.
final class RawHTTP2 {
  private let connection: Connection
  private var received: [UInt8] = []

  /// One frame.
  struct Frame: Equatable, Sendable {
    var type: UInt8
    var flags: UInt8 = 0
    var stream: UInt32 = 0
    var payload: [UInt8] = []

    /// As it is sent.
    var bytes: [UInt8] {
      [24, 16, 8, 0].dropFirst().map { UInt8(truncatingIfNeeded: payload.count >> $0) } + [type, flags]
        + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: stream >> $0) } + payload
    }

    static let endStream: UInt8 = 1
    static let endHeaders: UInt8 = 4

    static func data(_ stream: UInt32, _ bytes: [UInt8], end: Bool = false) -> Frame {
      Frame(type: 0, flags: end ? endStream : 0, stream: stream, payload: bytes)
    }
    static func headers(_ stream: UInt32, _ fields: [(String, String)], end: Bool = true) -> Frame {
      Frame(type: 1, flags: endHeaders | (end ? endStream : 0), stream: stream, payload: encoded(fields))
    }
    static func reset(_ stream: UInt32) -> Frame { Frame(type: 3, stream: stream, payload: [0, 0, 0, 8]) }
    static func window(_ stream: UInt32, _ count: UInt32) -> Frame {
      Frame(type: 8, stream: stream, payload: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: count >> $0) })
    }

    /// Fields as HPACK literals that nobody has to remember.
    static func encoded(_ fields: [(String, String)]) -> [UInt8] {
      fields.flatMap { name, value in [0] + string(name) + string(value) }
    }

    private static func string(_ text: String) -> [UInt8] {
      let bytes = Array(text.utf8)
      guard bytes.count >= 127 else { return [UInt8(bytes.count)] + bytes }
      var (prefix, rest): ([UInt8], Int) = ([127], bytes.count - 127)
      while rest >= 128 {
        prefix.append(UInt8(rest % 128) | 128)
        rest /= 128
      }
      return prefix + [UInt8(rest)] + bytes
    }
  }

  /// Says hello.
  init(_ server: Server) throws {
    connection = try server.connect()
    try connection.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8))
    try send(Frame(type: 4))
  }

  /// A request's fields.
  static func request(_ method: String = "GET", _ path: String = "/", _ more: [(String, String)] = []) -> [(
    String, String
  )] {
    [(":method", method), (":scheme", "http"), (":path", path), (":authority", "nacre.test")] + more
  }

  func send(_ frames: Frame...) throws { try connection.send(frames.flatMap(\.bytes)) }

  /// The next frame; nil at the end of the connection.
  func next() throws -> Frame? {
    while received.count < 9 || received.count < 9 + length {
      let bytes = try connection.readSome()
      if bytes.isEmpty { return nil }
      received += bytes
    }
    let stream = received[5..<9].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    let frame = Frame(type: received[3], flags: received[4], stream: stream, payload: Array(received[9..<(9 + length)]))
    received.removeFirst(9 + length)
    // Settings and pings are answered, as every client does.
    if frame.type == 4, frame.flags == 0 { try? send(Frame(type: 4, flags: 1)) }
    if frame.type == 6, frame.flags == 0 { try? send(Frame(type: 6, flags: 1, payload: frame.payload)) }
    return frame
  }

  private var length: Int { received[..<3].reduce(0) { $0 << 8 | Int($1) } }

  /// How a stream ended.
  enum Ending: Equatable {
    /// With a response, of this body.
    case answered(String)
    /// With RST_STREAM.
    case reset(code: UInt8)
    /// With the connection; the code of its GOAWAY, if there was one.
    case closed(code: UInt8?)
  }

  /// Reads until a stream has ended.
  func ending(of stream: UInt32) throws -> Ending {
    var body: [UInt8] = []
    var code: UInt8?
    while let frame = try next() {
      if frame.type == 7 { code = frame.payload[7] }
      guard frame.stream == stream else { continue }
      if frame.type == 0 { body += frame.payload }
      if frame.type == 3 { return .reset(code: frame.payload[3]) }
      if frame.type <= 1, frame.flags & Frame.endStream != 0 { return .answered(String(decoding: body, as: UTF8.self)) }
    }
    return .closed(code: code)
  }

  /// Asks for something.
  func text(_ stream: UInt32, _ path: String = "/") throws -> Ending {
    try send(.headers(stream, Self.request("GET", path)))
    return try ending(of: stream)
  }
}
