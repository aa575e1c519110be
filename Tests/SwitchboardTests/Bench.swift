import CLinux
import Glibc
import ProcessProtocol
import Testing

@testable import Switchboard

/// A switchboard with a listening socket, on a loop that the test turns by hand.
final class Bench: SwitchboardDelegate {
  let loop: EventLoop
  let scoreboard: Scoreboard
  let switchboard: Switchboard
  let spoolDirectory: String
  let listener: Int32
  let path: String?
  private(set) var port: UInt16 = 0
  var mayLend = true
  var asked = 0
  var reports: [String] = []
  /// All workers that were ever made.
  private(set) var workers: [FakeWorker] = []

  init(
    slots: Int = 64, unixSocket: Bool = false, developmentMode: Bool = false,
    _ adjust: (inout SwitchboardSettings) -> Void = { _ in }
  ) throws {
    loop = try EventLoop()
    scoreboard = try #require(Scoreboard(slotCount: slots))
    var template = Array("/tmp/nacre-switchboard-XXXXXX\0".utf8CString)
    spoolDirectory = String(cString: try #require(mkdtemp(&template)))
    var settings = SwitchboardSettings(spoolDirectory: spoolDirectory, developmentMode: developmentMode)
    adjust(&settings)
    switchboard = Switchboard(loop: loop, scoreboard: scoreboard, settings: settings, delegate: nil)
    path = unixSocket ? spoolDirectory + "/socket" : nil
    listener = socket(unixSocket ? AF_UNIX : AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    try withAddress { #expect(bind(listener, $0, $1) == 0) }
    #expect(Glibc.listen(listener, 1024) == 0)
    if !unixSocket {
      var address = sockaddr_in()
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      withUnsafeMutableBytes(of: &address) {
        _ = getsockname(listener, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &size)
      }
      port = UInt16(bigEndian: address.sin_port)
    }
    switchboard.delegate = self
    try switchboard.listen(on: listener, port: port)
  }

  deinit {
    close(listener)
    close(scoreboard.descriptor)
    if let path { unlink(path) }
    rmdir(spoolDirectory)
  }

  func switchboardMayLend() -> Bool {
    asked += 1
    return mayLend
  }
  func switchboard(reports text: String) { reports.append(text) }

  /// Turns the loop until the condition holds; false if it does not within a long time.
  func until(_ condition: () -> Bool) -> Bool {
    let end = EventLoop.clock() + 20_000_000_000
    while !condition() {
      if EventLoop.clock() > end { return false }
      loop.turn(atMost: 2_000_000)
    }
    return true
  }

  /// Turns the loop a few times without waiting for anything, for what must not happen.
  func settle() { for _ in 0..<10 { loop.turn(atMost: 1_000_000) } }

  func connect(receiveBuffer: Int32? = nil) throws -> Client {
    let fd = socket(path == nil ? AF_INET : AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    if var receiveBuffer { setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, 4) }
    try withAddress { try #require(Glibc.connect(fd, $0, $1) == 0) }
    cl_set_nonblocking(fd, true)
    return Client(fd)
  }

  /// A client that has sent these bytes.
  func client(sending text: String) throws -> Client {
    let client = try connect()
    client.send(text)
    return client
  }

  /// A new queue with so many workers, not yet promoted.
  func makeWorkers(_ count: Int, generation: UInt64 = 1, serving: Bool = true) throws -> (LendingQueue, [FakeWorker]) {
    let queue = try switchboard.makeQueue()
    let workers = (0..<count).map {
      FakeWorker(self, queue, cell: self.workers.count + $0, generation: generation)
    }
    self.workers += workers
    if serving { for worker in workers { try worker.serve() } }
    return (queue, workers)
  }

  /// The same, promoted.
  @discardableResult
  func startWorkers(_ count: Int, generation: UInt64 = 1, serving: Bool = true) throws -> [FakeWorker] {
    let (queue, workers) = try makeWorkers(count, generation: generation, serving: serving)
    switchboard.promote(queue, generation: generation, workers: count)
    return workers
  }

  private func withAddress<T>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws -> T) throws -> T {
    var storage = sockaddr_storage()
    return try withUnsafeMutableBytes(of: &storage) { bytes in
      let size: Int
      if let path {
        bytes.storeBytes(of: sa_family_t(AF_UNIX), as: sa_family_t.self)
        UnsafeMutableRawBufferPointer(rebasing: bytes[2...]).copyBytes(from: Array(path.utf8) + [0])
        size = MemoryLayout<sockaddr_un>.size
      } else {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        bytes.storeBytes(of: address, as: sockaddr_in.self)
        size = MemoryLayout<sockaddr_in>.size
      }
      return try body(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(size))
    }
  }
}

/// The other end of a connection.
final class Client {
  let fd: Int32
  private(set) var received: [UInt8] = []
  private(set) var hasEnded = false

  init(_ fd: Int32) { self.fd = fd }
  deinit { close(fd) }

  func send(_ text: String) { send(Array(text.utf8)) }

  /// Sends what the socket takes; returns how much that was.
  @discardableResult
  func send(_ bytes: [UInt8]) -> Int { Glibc.send(fd, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  func endSending() { shutdown(fd, Int32(SHUT_WR)) }

  /// Reads what is there, at most so many bytes.
  func read(atMost limit: Int = .max) {
    var left = limit
    var chunk = [UInt8](repeating: 0, count: 64 * 1024)
    while left > 0 {
      let count = recv(fd, &chunk, min(left, chunk.count), Int32(MSG_DONTWAIT))
      if count < 0, errno == EAGAIN { return }
      guard count > 0 else {
        hasEnded = true
        return
      }
      received += chunk[..<count]
      left -= count
    }
  }

  var text: String {
    read()
    return String(decoding: received, as: UTF8.self)
  }

  /// Whether the server has closed the connection.
  var isClosed: Bool {
    read()
    return hasEnded
  }

  struct Response: Equatable {
    var status: Int
    var head: String
    var body: String
  }

  /// The whole responses so far (`100 Continue` is one).
  var responses: [Response] {
    var responses: [Response] = []
    var rest = text[...]
    while let end = rest.firstRange(of: "\r\n\r\n") {
      let head = rest[..<end.lowerBound]
      var length = 0
      for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix("content-length: ") {
        length = Int(line.dropFirst(16)) ?? 0
      }
      let body = rest[end.upperBound...].utf8.prefix(length)
      guard body.count == length else { break }
      responses.append(
        Response(status: Int(head.dropFirst(9).prefix(3)) ?? 0, head: String(head), body: String(body) ?? ""))
      rest = rest[body.endIndex...]
    }
    return responses
  }

  var statuses: [Int] { responses.map(\.status) }
}

func get(_ path: String, _ fields: String = "") -> String { "GET \(path) HTTP/1.1\r\nHost: test\r\n\(fields)\r\n" }

func post(_ path: String, _ body: String, _ fields: String = "") -> String {
  "POST \(path) HTTP/1.1\r\nHost: test\r\nContent-Length: \(body.utf8.count)\r\n\(fields)\r\n\(body)"
}
