import CLinux
import Glibc
import HTTP1
import Switchboard

/// Speaks HTTP/1.1 on the control socket, on the loop's thread. It knows nothing of what is asked.
///
/// Whoever connects may stop the server anyway, so the bounds are against mistakes: every connection has a bounded
/// buffer and a deadline for each request and for taking its answer, and there are not more than ``maximum``.
final class ControlServer {
  /// The most connections.
  static let maximum = 64

  let loop: EventLoop
  private(set) var socket: ControlSocket
  /// How long a request may take to arrive, and an answer to be taken.
  let patience: UInt64
  /// What answers a request: at once, or later by the reply.
  let answer: (ControlRequest, ControlReply) -> Void
  private(set) var connections: [Int32: ControlConnection] = [:]
  private let takeNext: (Int32) -> Int32
  private var restTimer: EventLoop.Timer?

  /// `takeNext` accepts one connection, as ``accept(on:)`` does.
  init(
    loop: EventLoop, socket: ControlSocket, patience: UInt64 = 10_000_000_000,
    takeNext: @escaping (Int32) -> Int32 = ControlServer.accept(on:),
    answer: @escaping (ControlRequest, ControlReply) -> Void
  ) {
    self.patience = patience
    self.takeNext = takeNext
    self.loop = loop
    self.socket = socket
    self.answer = answer
  }

  /// Begins to accept.
  func start() throws(SystemError) {
    try loop.watch(socket.descriptor, .readable) { [unowned self] _ in accept() }
  }

  /// Accepts from another socket in place of the one whose file is gone; the connections stay.
  func move(to socket: ControlSocket) throws(SystemError) {
    loop.unwatch(self.socket.descriptor)
    self.socket = socket
    try start()
  }

  /// Closes everything and removes the socket.
  func end() {
    if let restTimer { loop.cancel(restTimer) }
    loop.unwatch(socket.descriptor)
    for connection in connections.values { connection.close() }
    socket.remove()
  }

  static func accept(on listener: Int32) -> Int32 {
    var address = sockaddr_storage()
    return cl_accept(listener, &address)
  }

  private func accept() {
    // A few in each turn of the loop, so that those who have left meanwhile are noticed before there are too many.
    for _ in 0..<16 {
      let descriptor = takeNext(socket.descriptor)
      if descriptor < 0 {
        if [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(errno) { rest() }
        return
      }
      let connection = ControlConnection(descriptor: descriptor, server: self)
      connections[descriptor] = connection
      connection.open(isWelcome: connections.count <= Self.maximum)
    }
  }

  /// Accepts nothing for a moment: who waits keeps the socket readable, while no descriptor or memory is left for them.
  private func rest() {
    loop.change(socket.descriptor, [])
    restTimer = loop.after(100_000_000) { [unowned self] in loop.change(socket.descriptor, .readable) }
  }

  func forget(_ connection: ControlConnection) {
    connections[connection.descriptor] = nil
  }

  /// Sends an event to everybody who follows them.
  func publish(_ event: ControlDocument.Event) {
    let followers = connections.values.filter(\.isStreaming)
    guard !followers.isEmpty else { return }
    let bytes = ControlJSON.event(event)
    for follower in followers { follower.send(bytes) }
  }
}

extension ControlServer {
  /// Ends the connections of those who follow the events: what comes next, another server tells.
  func dismissFollowers() {
    for connection in Array(connections.values) where connection.isStreaming { connection.close() }
  }
}

/// The way back to whoever asked; of no effect once that one is gone.
struct ControlReply {
  fileprivate weak var connection: ControlConnection?

  init(_ connection: ControlConnection) { self.connection = connection }

  /// Gives the answer.
  func callAsFunction(_ answer: ControlAnswer) { connection?.finish(answer) }

  /// From now on the connection gets the events.
  func stream() { connection?.stream() }
}
