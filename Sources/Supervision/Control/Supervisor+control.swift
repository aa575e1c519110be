import CLinux
import FoundationEssentials
import Glibc
import Switchboard

/// The calls of the control API, and what is told to those who follow the events.
extension Supervisor {
  /// Somebody who waits for the outcome of what they asked for.
  struct Waiter {
    enum Kind { case reload, rollBack }
    var kind: Kind
    var reply: ControlReply
  }

  private static let calls: [(method: String, path: String)] = [
    ("GET", "/v1/status"), ("GET", "/v1/generations"), ("GET", "/v1/trace"), ("GET", "/v1/events"),
    ("GET", "/v1/why"), ("GET", "/metrics"),
    ("POST", "/v1/reload"), ("POST", "/v1/rollback"), ("POST", "/v1/restart"), ("POST", "/v1/stop"),
  ]

  /// How often a default place that another server has is looked at again.
  private static let controlInterval = 2 * second

  /// Opens the control socket, if there is to be one. A place that was asked for must do; without the default one the
  /// server runs on, and takes it once the server that has it is gone: under Server::Starter that is the one which this
  /// one replaces. Call it before ``run()``.
  public func openControl(_ choice: ControlPlace.Choice, for address: ControlPlace.Address) throws(StartupError) {
    // That of the server which is to be replaced is replaced with it.
    if isAwaited { return }
    switch choice {
    case .off: break
    case .path(let path): control(by: try makeControl(at: path))
    case .automatic:
      let path = ControlPlace.directory + "/" + address.socketName
      do throws(StartupError) {
        control(by: try makeControl(at: path))
      } catch {
        let isTaken = ControlSocket.isTaken(path)
        log.warn(
          "\(error) \(isTaken ? "Until that one is gone the" : "The") server runs without control: nacre status, "
            + "reload and the like do not reach it.")
        if isTaken { awaitControl(at: path) }
      }
    }
  }

  private func makeControl(at path: String) throws(StartupError) -> ControlSocket {
    let isReplaced = settings.life.predecessor.map { $0.stage == .serving && $0.offer.control == path } ?? false
    return isReplaced ? try ControlSocket(replacing: path) : try ControlSocket(path: path)
  }

  private func awaitControl(at path: String) {
    loop.after(Self.controlInterval) { [unowned self] in
      guard stopping == .no else { return }
      if ControlSocket.isTaken(path) { return awaitControl(at: path) }
      do {
        control(by: try ControlSocket(path: path))
        try control?.start()
        protect(path)
        watchControl()
        log.inform("the server is controlled at \(path) now")
      } catch {
        control = nil
        log.warn("\(error) The server runs without control.")
      }
    }
  }

  private func control(by socket: ControlSocket) {
    control = ControlServer(loop: loop, socket: socket) { [unowned self] in answer($0, $1) }
  }

  /// Answers one request.
  func answer(_ request: ControlRequest, _ reply: ControlReply) {
    guard Self.calls.contains(where: { $0 == (request.method, request.path) }) else {
      return reply(Self.refusal(of: request))
    }
    // Who has connected before the socket changed hands.
    if case .done(let successor) = restart {
      return reply(.problem(503, "Process \(successor.heir) has taken this server's place: ask again."))
    }
    switch request.path {
    case "/v1/status": reply(ControlAnswer(200, statusDocument()))
    case "/v1/generations": reply(generations(request))
    case "/v1/trace": reply(trace(request))
    case "/v1/why": reply(why(request))
    case "/v1/events": reply.stream()
    case "/metrics": reply(ControlAnswer(text: metrics().text))
    case "/v1/reload": reload(request, reply)
    case "/v1/rollback": demand(.rollBack, .rollBackDemanded, reply)
    case "/v1/restart": restart(reply)
    default:
      reply(ControlAnswer(202, ControlDocument.Stopping(stopping: true, pid: getpid())))
      stop()
    }
  }

  private static func refusal(of request: ControlRequest) -> ControlAnswer {
    let methods = calls.filter { $0.path == request.path }.map(\.method)
    guard methods.isEmpty else {
      return .problem(
        405, "\(request.path) takes \(methods.joined(separator: " and ")), not \(request.method).",
        allow: methods.joined(separator: ", "))
    }
    let known = calls.map { "\($0.method) \($0.path)" }.joined(separator: ", ")
    return .problem(404, "There is no \(request.path). The calls are \(known).")
  }

  private func generations(_ request: ControlRequest) -> ControlAnswer {
    guard let reloads = lastReloads(request) else { return Self.noNumber(request) }
    return ControlAnswer(200, ControlDocument.Generations(reloads: reloads.map { ControlDocument.Reload($0) }))
  }

  private func trace(_ request: ControlRequest) -> ControlAnswer {
    guard let reloads = lastReloads(request) else { return Self.noNumber(request) }
    return ControlAnswer(200, ControlDocument.Trace(reloads.reversed(), nacre: getpid()))
  }

  /// The reloads that were asked for, the latest first; nil if `last` is no number.
  private func lastReloads(_ request: ControlRequest) -> [ReloadJournal.Reload]? {
    guard let last = request.parameters["last"] else { return journal.reloads.reversed() }
    guard let count = Int(last), count > 0 else { return nil }
    return journal.reloads.suffix(count).reversed()
  }

  private static func noNumber(_ request: ControlRequest) -> ControlAnswer {
    .problem(400, "last takes a number from 1, not '\(request.parameters["last"] ?? "")'.")
  }

  // MARK: Demands

  private struct ReloadBody: Decodable {
    var cold: Bool?
  }

  private func reload(_ request: ControlRequest, _ reply: ControlReply) {
    var isCold = false
    switch request.parameters["cold"] {
    case nil, "0", "false": break
    case "1", "true", "": isCold = true
    case let other?: return reply(.problem(400, "cold takes 1 or 0, not '\(other)'."))
    }
    if !request.body.allSatisfy({ $0 == 0x20 || (0x09...0x0D).contains($0) }) {
      guard let body = try? JSONDecoder().decode(ReloadBody.self, from: Data(request.body)) else {
        return reply(.problem(400, "The body is not JSON of the form {\"cold\": true}."))
      }
      isCold = body.cold ?? isCold
    }
    if stopping == .no { readCertificate() }
    demand(.reload, isCold ? .coldStartDemanded : .demanded, reply)
  }

  private func demand(_ kind: Waiter.Kind, _ event: GenerationMachine.Event, _ reply: ControlReply) {
    guard stopping == .no else { return reply(.problem(503, "The server is stopping.")) }
    waiters.append(Waiter(kind: kind, reply: reply))
    noticeTouches()
    freshness.demanded(at: EventLoop.clock())
    journal.demandedBy = .control
    handle(event)
  }

  // MARK: Telling

  /// What an event of the machine has led to: for the followers, and for those who asked for it.
  func tell(_ happening: ReloadJournal.Happening) {
    switch happening {
    case .began(let reload): publish("reload", reload)
    case .void(let reload): publish("void", reload)
    case .promoted(let reload):
      publish(reload.way == .rollBack ? "rollback" : "promoted", reload)
      settle(reload.way == .rollBack ? .rollBack : .reload, 200, "promoted", reload)
    case .rejected(let reload):
      publish("rejected", reload)
      settle(.reload, 422, "rejected", reload)
    case .forgiven(let generation):
      publish("forgiven", text: "the files of generation \(generation) are back, and it goes on")
      settle(.reload, 200, "forgiven")
    case .resumed(let generation):
      publish("rollback", text: "generation \(generation) answers again in place of the failure")
      settle(.rollBack, 200, "resumed")
    case .refused(let reason):
      publish("report", text: reason)
      settle(.rollBack, 409, "refused", error: reason + ".")
    }
  }

  /// Answers those who wait. Who wanted something else than what happened is told so.
  private func settle(
    _ kind: Waiter.Kind, _ status: Int, _ outcome: String, _ reload: ReloadJournal.Reload? = nil, error: String? = nil
  ) {
    let settled = waiters
    waiters = []
    for waiter in settled {
      if waiter.kind == kind {
        var document = ControlDocument.Outcome(outcome: outcome, generation: machine.running?.number)
        document.reload = reload.map { .init($0) }
        document.error = error ?? document.reload?.error?.sentence
        waiter.reply(ControlAnswer(status, document))
      } else if kind == .rollBack, machine.isDemanded || status != 200 {
        // It comes after the roll back, or goes on.
        waiters.append(waiter)
      } else if kind == .reload, machine.candidate?.way == .rollBack {
        waiters.append(waiter)
      } else {
        let document = ControlDocument.Outcome(
          outcome: "refused", generation: machine.running?.number,
          error: "something else was asked for meanwhile: \(outcome == "promoted" ? "see nacre status" : outcome).")
        waiter.reply(ControlAnswer(409, document))
      }
    }
  }

  /// Nobody who waits will get what they asked for.
  func dismissWaiters() {
    for waiter in waiters { waiter.reply(.problem(503, "The server is stopping.")) }
    waiters = []
  }

  /// Tells the followers of the events.
  func publish(_ event: String, _ reload: ReloadJournal.Reload? = nil, pid: pid_t? = nil, text: String? = nil) {
    guard let control else { return }
    control.publish(
      ControlDocument.Event(
        event: event, at: ControlJSON.time(Self.wallClock()), generation: machine.running?.number,
        reload: reload.map { .init($0, isShort: true) }, pid: pid, text: text))
  }

  /// Seconds since the epoch.
  static func wallClock() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
