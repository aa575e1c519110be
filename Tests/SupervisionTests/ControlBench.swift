import CLinux
import Glibc
import Switchboard
import Testing

@testable import Supervision

/// A control server that echoes, its loop, and clients on the same thread.
final class ControlBench {
  let loop: EventLoop
  let server: ControlServer
  private let directory: String
  /// The requests that have come, and the replies that were not given at once (paths beginning with `/later`).
  final class Seen {
    var requests: [ControlRequest] = []
    var later: [ControlReply] = []
  }
  let seen = Seen()

  init(
    patience: UInt64 = 10_000_000_000, takeNext: @escaping (Int32) -> Int32 = ControlServer.accept(on:)
  ) throws {
    var template = Array("/tmp/nacre-control-XXXXXX".utf8CString)
    directory = String(cString: mkdtemp(&template)!)
    loop = try EventLoop()
    server = ControlServer(
      loop: loop, socket: try ControlSocket(path: directory + "/a.sock"), patience: patience, takeNext: takeNext
    ) {
      [seen] request, reply in
      seen.requests.append(request)
      switch request.path {
      case "/later": seen.later.append(reply)
      case "/events": reply.stream()
      default: reply(.problem(200, request.method + " " + request.path))
      }
    }
    try server.start()
  }

  deinit {
    server.end()
    rmdir(directory)
  }

  func client() throws -> Client {
    guard case .success(let descriptor) = ControlDial.connect(server.socket.path) else { throw Stuck() }
    _ = cl_set_nonblocking(descriptor, true)
    return Client(descriptor: descriptor, loop: loop)
  }

  struct Stuck: Error {}

  /// Turns until the condition holds; whether it did within so many nanoseconds.
  func turns(until condition: () -> Bool, for nanoseconds: UInt64 = 10_000_000_000) -> Bool {
    let end = EventLoop.clock() + nanoseconds
    while !condition() {
      if EventLoop.clock() > end { return false }
      loop.turn(atMost: 1_000_000)
    }
    return true
  }

  final class Client {
    let descriptor: Int32
    private let loop: EventLoop
    private(set) var text = ""
    private(set) var hasEnded = false

    init(descriptor: Int32, loop: EventLoop) { (self.descriptor, self.loop) = (descriptor, loop) }

    deinit { close(descriptor) }

    @discardableResult
    func send(_ text: String) -> Int {
      Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    func read() {
      var bytes = [UInt8](repeating: 0, count: 65536)
      while !hasEnded {
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        if count > 0 { text += String(decoding: bytes.prefix(count), as: UTF8.self) }
        if count == 0 || count < 0 && errno != EAGAIN { hasEnded = true }
        if count < 0 { return }
      }
    }
  }
}

extension String {
  /// How often `part` stands in it.
  func components(_ part: String) -> Int { ranges(of: part).count }
}
