import FileWatching
import Glibc
import ProcessProtocol
import ReloadModel
import SourceFiles
import Switchboard

/// What the server tells about itself.
extension Supervisor {
  func statusDocument() -> ControlDocument.Status {
    let isFailing = switchboard.answer != nil
    let state =
      stopping != .no ? "stopping" : isFailing ? "failing" : machine.running == nil ? "loading" : "serving"
    return ControlDocument.Status(
      state: state, addresses: listeners.map(\.name), name: settings.applicationName,
      directory: absolute("."),
      environment: settings.environment, pid: getpid(), startedAt: ControlJSON.time(startedAt),
      generation: machine.running.map(runningDocument), reload: journal.current.map { .init($0) },
      failure: machine.rejection.map { .init($0.failure, generation: (machine.running?.number ?? 0) + 1) },
      kept: machine.kept.map { .init(number: $0.number, loadedAs: $0.loadedAs) },
      watching: watchingDocument, preload: preloadDocument)
  }

  private var preloadDocument: ControlDocument.Preload {
    let preloading = machine.preloading
    var document = ControlDocument.Preload(
      state: "natural", files: preloading.order.files.count, hot: preloading.hot.sorted(),
      reason: preloading.lastObjection, examining: preloading.examination != nil, checked: true,
      settled: preloading.examination == nil && machine.candidate == nil && isFresh && !machine.wantsExamination)
    switch preloading.use {
    case .forbidden: document.state = "forbidden"
    case .natural: break
    case .verified:
      document.state = "verified"
      document.checked = preloading.verified == machine.running?.loader
    case .off(let reason): (document.state, document.reason) = ("off", reason)
    }
    return document
  }

  private var watchingDocument: ControlDocument.Watching {
    var document = ControlDocument.Watching(trigger: "changes", polling: [])
    switch freshness.trigger {
    case .changes: break
    case .touch(let file): (document.trigger, document.touchFile) = ("touch", file)
    case .manual: document.trigger = "manual"
    }
    var news = PollNews(
      seconds: settings.watching.poll ?? 1, looksBeforeRequests: freshness.holdsRequests)
    let causes = freshness.watcher.pollCauses
    if !causes.isEmpty { document.polling = news.sentences(for: causes) }
    return document
  }

  private func runningDocument(_ generation: Generation) -> ControlDocument.Running {
    ControlDocument.Running(
      number: generation.number, loadedAs: generation.loadedAs, pinned: machine.pin != nil,
      reload: journal.lastPromotion.map { .init($0) },
      files: generation.trace.sources(from: 0).count,
      checkpoints: generation.checkpoints.map(checkpointDocument),
      workers: generation.workers.keys.sorted { $0.number < $1.number }.map(workerDocument),
      workersWanted: settings.workers)
  }

  private func checkpointDocument(_ checkpoint: Checkpoint) -> ControlDocument.Checkpoint {
    ControlDocument.Checkpoint(
      position: checkpoint.position, file: machine.running?.file(at: checkpoint.position) ?? "",
      pid: processes[checkpoint.process]?.pid)
  }

  private func workerDocument(_ token: ProcessToken) -> ControlDocument.Worker {
    let process = processes[token]
    var document = ControlDocument.Worker(pid: process?.pid, state: "starting", requests: 0)
    guard machine.running?.workers[token] == true, let cell = process?.cell.map(scoreboard.cell) else {
      return document
    }
    document.requests = cell.requests
    switch cell.phase {
    case .starting: break
    case .idle, .betweenRequests: document.state = "idle"
    case .inRequest, .responding, .cleaningUp:
      document.state = "busy"
      let (since, now) = (cell.since, EventLoop.clock())
      if since > 0, now > since { document.busyFor = milliseconds(from: since, to: now) }
    }
    return document
  }

  // MARK: Why

  func why(_ request: ControlRequest) -> ControlAnswer {
    guard let file = request.parameters["file"], !file.isEmpty else {
      return .problem(400, "Name the file: /v1/why?file=/path/to/File.pm, or a module such as My::File.")
    }
    guard let running = machine.running else { return .problem(409, "No code has run yet.") }
    let isPattern = { [freshness] path in freshness.isRespawnPattern(path) }
    var explanation = LoadExplanation(of: file, in: running, isPattern: isPattern)
    // The trace names files as perl found them, which may be by a link.
    if explanation.role == .unknown, file.hasPrefix("/"), let real = realPath(of: file), real != file {
      explanation = LoadExplanation(of: real, in: running, isPattern: isPattern)
    }
    return ControlAnswer(200, document(explanation, running))
  }

  private func document(_ explanation: LoadExplanation, _ running: Generation) -> ControlDocument.Why {
    var document = ControlDocument.Why(
      file: explanation.file, way: "nothing", role: explanation.role.name, met: nil, checkpoint: nil, loaded: 0,
      loadedFiles: [],
      chains: explanation.chains.map { $0.map { .init(file: $0.file, line: $0.line) } })
    if case .met(let how) = explanation.role { document.met = how }
    if let limit = explanation.position {
      let position = rewindPosition(checkpoints: running.checkpoints.map(\.position), before: limit)
      let sources = running.trace.sources(from: position ?? 0)
      document.way = position == nil ? Way.coldStart.rawValue : Way.rewind.rawValue
      document.checkpoint = running.checkpoints.first { $0.position == position }.map(checkpointDocument)
      document.loaded = sources.count
      document.loadedFiles = Array(sources.prefix(ControlDocument.Reload.filesShown))
    } else if explanation.role == .lazily || explanation.role == .pattern {
      document.way = Way.respawn.rawValue
    }
    return document
  }
}

/// Milliseconds with one digit behind the point.
func milliseconds(from start: UInt64, to end: UInt64) -> Double {
  end > start ? (Double(end - start) / 100_000).rounded() / 10 : 0
}

extension LoadExplanation.Role {
  /// As the control API calls it.
  var name: String {
    switch self {
    case .loaded: "loaded"
    case .met: "met"
    case .lazily: "lazily"
    case .pattern: "pattern"
    case .library: "library"
    case .unknown: "unknown"
    }
  }
}

extension ControlDocument.Reload {
  /// The most files that are named.
  static let filesShown = 100

  init(_ reload: ReloadJournal.Reload, isShort: Bool = false) {
    let marks = reload.marks
    func time(_ from: UInt64?, _ to: UInt64?) -> Double? {
      if let from, let to { milliseconds(from: from, to: to) } else { nil }
    }
    self.init(
      id: reload.id, at: ControlJSON.time(reload.at), trigger: reload.trigger.rawValue,
      generation: reload.generation, loadedAs: reload.loadedAs, way: reload.way.rawValue, files: reload.files,
      checkpoint: reload.checkpoint.map { .init(position: $0.position, file: $0.file) },
      loaded: reload.loaded.count, loadedFiles: Array(reload.loaded.prefix(Self.filesShown)),
      phases: .init(
        settle: time(marks.noticed, marks.settled ?? marks.began), decide: time(marks.settled, marks.began),
        fork: time(marks.began, marks.forked),
        load: time(marks.forked, marks.loaded), workers: time(marks.loaded ?? marks.began, marks.ready),
        promotion: time(marks.ready, marks.ended), total: time(marks.noticed ?? marks.began, marks.ended)),
      verdict: reload.verdict.name, error: nil,
      sockets: reload.sockets.map { .init(file: $0.file, description: $0.description) },
      timeline: isShort ? nil : ControlDocument.Timeline(reload))
    if case .rejected(let failure) = reload.verdict { error = .init(failure, generation: reload.generation) }
  }
}

extension ReloadJournal.Verdict {
  /// As the control API calls it.
  var name: String {
    switch self {
    case .underWay: "under way"
    case .promoted: "promoted"
    case .rejected: "rejected"
    case .void: "void"
    }
  }
}

extension ControlDocument.Failure {
  init(_ failure: LoadFailure, generation: UInt64) {
    self.init(
      sentence: FailureReport(failure, generation: generation, meanwhile: .leaves).headline,
      cause: failure.cause.name, file: failure.file.isEmpty ? nil : failure.file,
      line: failure.line > 0 ? failure.line : nil, message: failure.message,
      chain: failure.chain.map { .init(file: $0.file, line: $0.line) })
  }
}

extension LoadFailure.Cause {
  /// As the control API calls it.
  var name: String {
    switch self {
    case .died: "died"
    case .exited: "exited"
    case .killed: "killed"
    case .timedOut: "timed out"
    case .thread: "thread"
    case .notAnApplication: "not an application"
    case .system: "system"
    }
  }
}
