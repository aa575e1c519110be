import FoundationEssentials
import Glibc
import ProcessProtocol
import Switchboard

/// The numbers of a server, for Prometheus.
extension Supervisor {
  /// How often a port that another server has is tried again.
  private static let metricsInterval = 2 * second

  /// Has `/metrics` answered on an address of its own, too. Call it before ``run()``.
  public func openMetrics(_ address: ListenAddress) throws(StartupError) {
    // Another server answers there, or is to go on if this one fails.
    if isAwaited { return metricsAddress = address }
    let socket: ListeningSocket
    do throws(StartupError) {
      if let taken = settings.life.predecessor?.take(address, for: .metrics) {
        socket = taken
      } else {
        socket = try ListeningSocket.listen(on: [address], ListeningSocket.Settings())[0]
      }
    } catch {
      // Under Server::Starter the server that is being replaced has it.
      guard settings.life.isBesideAnother, settings.life.predecessor == nil else { throw error }
      loop.after(Self.metricsInterval) { [unowned self] in
        if stopping == .no { try? openMetrics(address) }
      }
      return
    }
    let server = ControlServer(loop: loop, socket: ControlSocket(adopting: socket)) { [unowned self] in
      $1(metricsAnswer($0))
    }
    (metricsServer, metricsListener) = (server, socket)
    do throws(SystemError) {
      try server.start()
    } catch {
      throw StartupError("the metrics cannot be served: \(error).")
    }
  }

  private func metricsAnswer(_ request: ControlRequest) -> ControlAnswer {
    guard request.path == "/metrics" else { return .problem(404, "There is only /metrics.") }
    guard request.method == "GET" else {
      return .problem(405, "/metrics takes GET, not \(request.method).", allow: "GET")
    }
    return ControlAnswer(text: metrics().text)
  }

  /// The numbers as they are now.
  func metrics() -> Metrics {
    var metrics = Metrics()
    metrics.generation = scoreboard.publishedGeneration
    metrics.requests = tally.all
    metrics.requestsOfGenerations = tally.generations
    for process in processes.values {
      guard case .worker(let index, let generation) = process.role else { continue }
      let cell = scoreboard.cell(index)
      let counts = cell.counts
      metrics.requests.add(counts)
      metrics.requestsOfGenerations[generation, default: RequestCounts()].add(counts)
      metrics.workers[Self.state(cell.phase), default: 0] += 1
    }
    metrics.switchboard = switchboard.figures
    metrics.waiting = Int(max(0, scoreboard.waiting))
    metrics.reloads = outcomes
    metrics.checkpoints = processes.values.count { $0.role == .checkpoint }
    metrics.memory = memory()
    metrics.startedAt = Int(startedAt)
    return metrics
  }

  private static func state(_ phase: WorkerPhase) -> String {
    switch phase {
    case .starting: "starting"
    case .idle: "idle"
    case .betweenRequests, .inRequest, .responding, .cleaningUp: "busy"
    }
  }

  /// Counts how a reload has ended.
  func count(_ happening: ReloadJournal.Happening) {
    let (reload, verdict): (ReloadJournal.Reload, String)
    switch happening {
    case .promoted(let promoted): (reload, verdict) = (promoted, "promoted")
    case .rejected(let rejected): (reload, verdict) = (rejected, "rejected")
    case .void(let void): (reload, verdict) = (void, "void")
    default: return
    }
    outcomes[Metrics.Outcome(way: reload.way.rawValue, verdict: verdict), default: 0] += 1
  }

  // MARK: Memory

  private func memory() -> [String: Int] {
    var memory = ["nacre": Self.proportionalBytes(of: getpid())]
    for process in processes.values {
      guard let pid = process.lastPid else { continue }
      let kind =
        switch process.role {
        case .base: "base"
        case .candidate: "mold"
        case .checkpoint: "checkpoint"
        case .census: "census"
        case .worker: "worker"
        }
      memory[kind, default: 0] += Self.proportionalBytes(of: pid)
    }
    return memory
  }

  /// A process's PSS; 0 if the system does not tell.
  private static func proportionalBytes(of pid: pid_t) -> Int {
    let text = (try? String(contentsOfFile: "/proc/\(pid)/smaps_rollup", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("Pss:") }
    return (line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * 1024
  }
}
