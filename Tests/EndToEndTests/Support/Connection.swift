import CLinux
import Foundation
import Glibc

/// A client's end of one connection: sends exactly the bytes it is told to, and reads one answer at a time.
final class Connection {
  private let socket: Int32
  private var received: [UInt8] = []
  private var ended = false

  /// Connects to a port of this machine.
  convenience init(port: UInt16) throws {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    try self.init(to: address, AF_INET, "port \(port)")
  }

  /// Connects to a port of this machine by IPv6.
  convenience init(portOfIPv6 port: UInt16) throws {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    address.sin6_addr = in6addr_loopback
    try self.init(to: address, AF_INET6, "port \(port) of ::1")
  }

  /// Connects to a Unix socket.
  convenience init(path: String) throws {
    try self.init(to: sockaddr_un(path: path), AF_UNIX, path)
  }

  private init<Address>(to address: Address, _ family: Int32, _ name: String) throws {
    socket = Glibc.socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    let result = withUnsafePointer(to: address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<Address>.size))
      }
    }
    guard result == 0 else {
      // `deinit` closes the socket: every property has its value.
      throw Stuck("cannot connect to \(name): \(String(cString: strerror(errno)))")
    }
    var on: Int32 = 1
    if family != AF_UNIX {
      setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  deinit { close(socket) }

  /// The port at this end.
  var localPort: UInt16 {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &size) }
    }
    return UInt16(bigEndian: address.sin_port)
  }

  /// Sends text as it stands.
  func send(_ text: String) throws { try send(Array(text.utf8)) }

  /// Sends bytes as they stand.
  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Stuck("the connection does not take bytes: \(String(cString: strerror(errno)))") }
      sent += count
    }
  }

  /// Sends a request. `Host` is always sent, `Content-Length` where there is a body.
  func request(_ method: String = "GET", _ path: String = "/", headers: [String] = [], body: [UInt8]? = nil) throws {
    var lines = ["\(method) \(path) HTTP/1.1", "Host: nacre.test"] + headers
    if let body { lines.append("Content-Length: \(body.count)") }
    try send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + (body ?? []))
  }

  /// Has the system take at most so many bytes that nobody has read: by itself it may take more than a whole response.
  func takeAtMost(_ bytes: Int32) {
    var bytes = bytes
    setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Says that nothing more will be sent.
  func finishSending() { shutdown(socket, Int32(SHUT_WR)) }

  /// Sends a request and reads its answer.
  func exchange(
    _ method: String = "GET", _ path: String = "/", headers: [String] = [], body: [UInt8]? = nil
  ) throws -> Response {
    try request(method, path, headers: headers, body: body)
    return try response(to: method)
  }

  /// Reads the next answer, body included.
  func response(to method: String = "GET") throws -> Response {
    var response = try responseHead()
    if method == "HEAD" || response.status == 204 || response.status == 304 { return response }
    if response["Transfer-Encoding"]?.lowercased() == "chunked" {
      while let chunk = try chunk() { response.body += chunk }
    } else if let length = response["Content-Length"].flatMap(Int.init) {
      response.body = try take(length)
    } else {
      while try more() {}
      (response.body, received) = (received, [])
    }
    return response
  }

  /// Reads the head of the next answer; its body is still to be read.
  func responseHead() throws -> Response {
    while true {
      if let end = received.firstRange(of: Array("\r\n\r\n".utf8)) {
        let head = try Response(head: Array(received[..<end.lowerBound]))
        received.removeSubrange(..<end.upperBound)
        return head
      }
      guard try more() else {
        throw Stuck("the connection ended before an answer; it had sent \(String(decoding: received, as: UTF8.self))")
      }
    }
  }

  /// Reads one chunk of a chunked body; nil after the last one (whose trailer is read too).
  func chunk() throws -> [UInt8]? {
    guard let size = Int(try line().prefix { $0 != ";" }, radix: 16) else { throw Stuck("not a chunk's size") }
    guard size > 0 else {
      while try !line().isEmpty {}
      return nil
    }
    let bytes = try take(size)
    guard try line().isEmpty else { throw Stuck("a chunk is longer than it said") }
    return bytes
  }

  /// Whatever comes next; nothing at the end of the connection.
  func readSome() throws -> [UInt8] {
    if received.isEmpty { _ = try more() }
    defer { received = [] }
    return received
  }

  /// Waits until the other end has closed the connection; whether it sent nothing more before that.
  func isClosed() throws -> Bool {
    while try more() {}
    return received.isEmpty
  }

  /// Whether bytes, or the end, have come within so many milliseconds.
  func hasSomething(within milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    return !received.isEmpty || poll(&entry, 1, milliseconds) > 0
  }

  /// Reads a line without its end.
  func line(_ lineEnd: String = "\r\n") throws -> String {
    while true {
      if let end = received.firstRange(of: Array(lineEnd.utf8)) {
        defer { received.removeSubrange(..<end.upperBound) }
        return String(decoding: received[..<end.lowerBound], as: UTF8.self)
      }
      guard try more() else { throw Stuck("the connection ended inside a body") }
    }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while received.count < count {
      guard try more() else { throw Stuck("the connection ended after \(received.count) of \(count) bytes of a body") }
    }
    defer { received.removeFirst(count) }
    return Array(received[..<count])
  }

  /// Reads what comes next; false at the end of the connection.
  private func more() throws -> Bool {
    guard !ended else { return false }
    var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, 60_000) > 0 else { throw Stuck("no answer within 60 seconds") }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    let count = recv(socket, &buffer, buffer.count, 0)
    // A connection reset ends it like any other end: what matters is what had come before.
    ended = count <= 0
    if count > 0 { received += buffer[..<count] }
    return !ended
  }
}

extension sockaddr_un {
  /// The address of a Unix socket's file.
  init(path: String) {
    self.init()
    sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &sun_path) { $0.copyBytes(from: path.utf8) }
  }
}
