import CLinux
import Glibc
import ProcessProtocol
import Switchboard

/// The second half of a restart: this server has another one started, and gives it everything.
extension Supervisor {
  /// How far a restart is.
  enum Restart {
    case none
    /// The other one loads the application.
    case loading(Successor)
    /// It could serve, and is asked to; nothing is begun here meanwhile.
    case handingOver(Successor)
    /// It serves. This one finishes what it has in hand.
    case done(Successor)

    var isDone: Bool { if case .done = self { true } else { false } }

    var successor: Successor? {
      switch self {
      case .none: nil
      case .loading(let successor), .handingOver(let successor), .done(let successor): successor
      }
    }
  }

  /// The process that is to take this one's place.
  final class Successor {
    let pid: pid_t
    let channel: Channel
    let reply: ControlReply
    /// Goes off when it has taken too long for what it is at.
    var timer: EventLoop.Timer?
    /// How it ended.
    var ending: ProcessEnding?
    /// The server that has taken its place by now, or itself.
    var heir: pid_t

    init(pid: pid_t, channel: Channel, reply: ControlReply) {
      (self.pid, self.channel, self.reply) = (pid, channel, reply)
      heir = pid
    }
  }

  /// How long the other one may take to listen.
  private static let handingOverPatience = 10 * second

  /// `POST /v1/restart`.
  func restart(_ reply: ControlReply) {
    if let reason = reasonAgainstRestart { return reply(.problem(409, reason)) }
    settings.life.manager.tell(.reloading, at: EventLoop.clock())
    do {
      let successor = try startSuccessor(reply)
      restart = .loading(successor)
      log.inform("restart: process \(successor.pid) loads the application, and takes over when it can serve")
      publish("report", text: "restart: process \(successor.pid) loads the application")
      limit(successor, to: UInt64(2 * settings.loadTimeout + 30) * Self.second)
    } catch {
      failRestart(reply, "\(error)")
    }
  }

  private var reasonAgainstRestart: String? {
    if stopping != .no { return "The server is stopping." }
    if settings.debugs { return "Under perl's debugger (-d) there is no restart: stop the server, and start it again." }
    if settings.start == nil { return "How this server was started is not known: stop it, and start it again." }
    switch restart {
    case .none:
      return hasBegun ? nil : "The server is still starting: ask again when it serves."
    case .loading(let other), .handingOver(let other), .done(let other):
      return "A restart is under way: process \(other.pid) is about to take over. Ask again when it has."
    }
  }

  private func startSuccessor(_ reply: ControlReply) throws -> Successor {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard let start = settings.start, socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw SystemError("make a channel to the new nacre")
    }
    defer { Glibc.close(ends[1]) }
    let channel = Channel(descriptor: ends[0])
    var room: Int32 = 1024 * 1024
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    for (message, descriptor) in offer {
      guard channel.send(message, descriptors: descriptor.map { [$0] } ?? []) == .passed else {
        throw SystemError("pass the sockets to the new nacre")
      }
    }
    let pid = try Spawning.start(start, keeping: ends[1], variable: Predecessor.variable)
    let successor = Successor(pid: pid, channel: channel, reply: reply)
    try loop.watch(channel.descriptor, .readable) { [unowned self, unowned successor] _ in hear(successor) }
    return successor
  }

  private var offer: [(RestartMessage, Int32?)] {
    var sockets = listeners.map { socket in
      (
        OfferedSocket(
          purpose: .serving, isInherited: socket.isInherited, hasFile: socket.file?.isInPlace ?? false,
          address: socket.address), socket.descriptor
      )
    }
    if let socket = metricsListener {
      sockets.append(
        (
          OfferedSocket(purpose: .metrics, isInherited: false, hasFile: false, address: socket.address),
          socket.descriptor
        ))
    }
    let offer = RestartOffer(
      pid: getpid(), keeper: keeper, control: control?.socket.path ?? "", sockets: UInt8(clamping: sockets.count))
    return [(.offer(offer), nil)] + sockets.map { (.socket($0.0), $0.1) }
  }

  private func limit(_ successor: Successor, to nanoseconds: UInt64) {
    if let timer = successor.timer { loop.cancel(timer) }
    successor.timer = loop.after(nanoseconds) { [unowned self, unowned successor] in
      abandon(successor, "process \(successor.pid) was not ready in \(nanoseconds / Self.second) s, and was ended")
    }
  }

  private func hear(_ successor: Successor) {
    while true {
      switch successor.channel.receive(into: buffer) {
      case .message(let count, let descriptors):
        for descriptor in descriptors { Glibc.close(descriptor) }
        var reader = WireReader(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        if let message = try? RestartMessage(from: &reader) { hear(message, from: successor) }
        if case .none = restart { return }
      case .nothing: return
      case .ended: return silent(successor)
      }
    }
  }

  private func hear(_ message: RestartMessage, from successor: Successor) {
    switch (restart, message) {
    case (.loading, .ready):
      restart = .handingOver(successor)
      switchboard.awaitSuccessor()
      limit(successor, to: Self.handingOverPatience)
      _ = successor.channel.send(.takeOver)
    case (.handingOver, .serving): handOver(to: successor)
    case (.loading, .failed(let reason)), (.handingOver, .failed(let reason)):
      giveTime(successor)
      abandon(successor, reason)
    default: break
    }
  }

  /// Its channel is closed: it ends, or has ended.
  private func silent(_ successor: Successor) {
    loop.unwatch(successor.channel.descriptor)
    switch restart {
    case .loading, .handingOver:
      abandon(successor, "process \(successor.pid) ended before it could serve; what it wrote to the log says why")
    case .none, .done: break
    }
  }

  // MARK: It fails

  /// It has failed by itself, and is to put its things away before it ends.
  private func giveTime(_ successor: Successor) {
    failed = successor
    loop.after(Self.second) { [unowned self] in
      guard let other = failed, other === successor else { return }
      kill(other.pid, SIGKILL)
    }
  }

  /// Ends the other one, and goes on.
  func abandon(_ successor: Successor, _ reason: String) {
    if let timer = successor.timer { loop.cancel(timer) }
    loop.unwatch(successor.channel.descriptor)
    if successor.ending == nil, failed !== successor { kill(successor.pid, SIGKILL) }
    var hadBegun = false
    if case .handingOver = restart { hadBegun = true }
    restart = .none
    if hadBegun {
      switchboard.goOnAlone()
      lookAtControl()
      if let problem = settings.life.pidFile?.write(announce: { protect($0, as: $1) }) { log.warn(problem) }
    }
    failRestart(successor.reply, reason)
  }

  private func failRestart(_ reply: ControlReply, _ reason: String) {
    settings.life.manager.tell(.ready(state))
    log.fail("restart: \(reason)\nThis server goes on, as process \(getpid()).")
    publish("report", text: "the restart failed: \(reason)")
    reply(ControlAnswer(422, ControlDocument.Restarted(outcome: "failed", pid: getpid(), error: reason)))
  }

  // MARK: It serves

  private func handOver(to successor: Successor) {
    if let timer = successor.timer { loop.cancel(timer) }
    restart = .done(successor)
    // The files are the other one's.
    guardian?.dismiss()
    settings.life.manager.tell(.succeeded(by: successor.pid))
    tellKeeper(of: successor.pid)
    _ = successor.channel.send(.lead)
    log.inform("restart: process \(successor.pid) serves; process \(getpid()) finishes what it has in hand")
    publish("restarted", pid: successor.pid, text: "restarted: process \(successor.pid) serves")
    control?.dismissFollowers()
    successor.reply(ControlAnswer(200, ControlDocument.Restarted(outcome: "restarted", pid: successor.pid)))
    stopping = .draining
    dismissWaiters()
    metricsServer?.end()
    (metricsServer, metricsListener) = (nil, nil)
    handle(.stop)
    switchboard.onDrained = { [unowned self] in leave() }
    switchboard.passOn { successor.channel.pass($0) }
    areDoorsClosed = true
    for listener in listeners { Glibc.close(listener.descriptor) }
    limitDrain()
  }

  /// A signal reaches this process that is meant for the server.
  func forward(_ event: Signals.Event, to successor: Successor) {
    if let heir = event.heir, heir.of == successor.heir {
      successor.heir = heir.pid
    } else if successor.ending == nil || successor.heir != successor.pid {
      kill(successor.heir, event.signal)
    }
  }

  /// The other one has ended.
  func ended(_ successor: Successor, _ ending: ProcessEnding) {
    successor.ending = ending
    hear(successor)
  }
}
