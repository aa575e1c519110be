import FoundationEssentials
import Glibc
import Supervision

/// Asks a running server: one request after another over its control socket, each waiting for its answer.
final class ControlClient {
  /// The socket's path.
  let path: String
  private let descriptor: Int32
  /// What has been read and not been used.
  private var input: [UInt8] = []

  /// A whole answer.
  struct Answer {
    var status: Int
    var body: [UInt8]

    /// The document that it carries.
    func decoded<Document: Decodable>(_ type: Document.Type) throws(CommandError) -> Document {
      do {
        return try JSONDecoder().decode(type, from: Data(body))
      } catch {
        throw CommandError("the server's answer is not what this nacre understands: is it of another version?")
      }
    }
  }

  /// Connects; nil if no server lives there.
  init?(path: String) {
    guard case .success(let descriptor) = ControlDial.connect(path) else { return nil }
    (self.path, self.descriptor) = (path, descriptor)
  }

  deinit { close(descriptor) }

  /// Asks and waits for the answer.
  func ask(_ method: String, _ target: String) throws(CommandError) -> Answer {
    try send(method, target)
    let (status, length) = try readHead()
    return Answer(status: status, body: try readBody(length))
  }

  /// Follows the events; each is given to `body` as the server wrote it, in one line of JSON, and nil when nothing has
  /// come for so many milliseconds after one. Returns when the server ends.
  func follow(quietFor patience: Int32, _ body: ([UInt8]?) throws(CommandError) -> Void) throws(CommandError) {
    try send("GET", "/v1/events")
    _ = try readHead()
    while true {
      if input.isEmpty, !isReadable(within: patience) { try body(nil) }
      guard let line = readLine() else { return }
      if line.starts(with: Array("data: ".utf8)) { try body(Array(line.dropFirst(6))) }
    }
  }

  private func isReadable(within milliseconds: Int32) -> Bool {
    var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&poller, 1, milliseconds) != 0
  }

  /// Waits until the server closes the connection, which it does when it ends.
  func awaitEnd() { while fill() {} }

  private func send(_ method: String, _ target: String) throws(CommandError) {
    let length = method == "POST" ? "Content-Length: 0\r\n" : ""
    let request = Array("\(method) \(target) HTTP/1.1\r\nHost: nacre\r\n\(length)\r\n".utf8)
    var sent = 0
    while sent < request.count {
      let count = request.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw .gone }
      sent += count
    }
  }

  private func readHead() throws(CommandError) -> (status: Int, length: Int) {
    guard let first = readLine(),
      let status = String(decoding: first, as: UTF8.self).split(separator: " ").dropFirst().first,
      let number = Int(status)
    else { throw .gone }
    var length = 0
    while let line = readLine(), !line.isEmpty {
      let parts = String(decoding: line, as: UTF8.self).lowercased().split(separator: ":", maxSplits: 1)
      if parts.first == "content-length", let value = parts.last { length = Int(value.drop { $0 == " " }) ?? 0 }
    }
    return (number, length)
  }

  private func readBody(_ length: Int) throws(CommandError) -> [UInt8] {
    while input.count < length { guard fill() else { throw .gone } }
    defer { input.removeFirst(length) }
    return Array(input.prefix(length))
  }

  /// A line without its end; nil at the end of the connection.
  private func readLine() -> [UInt8]? {
    while true {
      if let end = input.firstIndex(of: 0x0A) {
        defer { input.removeSubrange(...end) }
        let line = input[..<end]
        return Array(line.last == 0x0D ? line.dropLast() : line)
      }
      guard fill() else { return nil }
    }
  }

  private func fill() -> Bool {
    var bytes = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(descriptor, &bytes, bytes.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      input += bytes.prefix(count)
      return true
    }
  }
}

/// Why a command could not be done: one sentence, and the exit status.
struct CommandError: Error, Equatable, CustomStringConvertible {
  var description: String
  /// 1: it could not be done; 2: the command line; 3: there is no server.
  var status: Int32

  init(_ description: String, status: Int32 = 1) {
    self.description = description
    self.status = status
  }

  /// The server has ended in the middle of it.
  static let gone = CommandError("the server has ended before it answered.", status: 3)
}
