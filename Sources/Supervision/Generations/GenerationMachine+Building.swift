import Glibc
import ReloadModel

/// The life of a candidate.
extension GenerationMachine {
  /// Begins a candidate that differs from the running generation in `files` and may keep what was loaded before the
  /// trace position `limit`; nil for a cold start.
  mutating func build(files: [String], limit: Int?) {
    abandonExamination()
    let number = (running?.number ?? 0) + 1
    pin = nil
    candidate = Candidate(
      serial: makeSerial(), generation: Generation(number: number, loader: makeToken()), stage: .awaitingBase,
      way: .coldStart, files: files,
      limit: limit)
    fork()
  }

  /// Has the candidate forked from the last checkpoint that it may use, or else from the base.
  mutating func fork() {
    guard var candidate else { return }
    candidate.generation.loader = makeToken()
    candidate.attempts += 1
    candidate.generation.mold = nil
    if let limit = candidate.limit, let running,
      let position = rewindPosition(checkpoints: running.checkpoints.map(\.position), before: limit),
      let origin = running.checkpoints.first(where: { $0.position == position })
    {
      candidate.way = .rewind
      candidate.generation.trace = running.trace.prefix(position)
      candidate.generation.checkpoints = running.checkpoints.filter { $0.position <= position }
      fork(&candidate, from: origin.process)
    } else {
      candidate.way = .coldStart
      candidate.generation.trace = LoadTrace()
      candidate.generation.checkpoints = []
      candidate.stage = .awaitingBase
      switch base {
      case .ready(let process): fork(&candidate, from: process)
      case .starting: break
      case .down: startBase()
      }
    }
    self.candidate = candidate
  }

  private mutating func fork(_ candidate: inout Candidate, from origin: ProcessToken) {
    candidate.stage = .forking(from: origin)
    act(
      .forkCandidate(
        candidate.process, from: origin, generation: candidate.generation.number, plan: plan(candidate)))
  }

  private func plan(_ candidate: Candidate) -> LoadPlan {
    var plan = plan(candidate.generation, lastEdited: edited(candidate.files))
    if candidate.way == .coldStart { plan.preload = preloading.order }
    return plan
  }

  func plan(_ generation: Generation, lastEdited: [String]) -> LoadPlan {
    guard let running, !running.trace.events.isEmpty else {
      // As many as are wanted stay, however long the load takes: between half of the bound and the bound are left.
      let bound = settings.sparesMemory ? 2 * settings.checkpoints : settings.checkpoints
      return .first(maximum: bound, lastEdited: lastEdited)
    }
    var plan = LoadPlan(
      like: running.trace, from: generation.trace.events.count,
      standing: generation.checkpoints.count, maximum: settings.checkpoints,
      lastEdited: lastEdited)
    // Which go is decided when the load is over: the loader does not know which of those before it are gone already.
    if settings.sparesMemory { plan.maximum = Int(UInt16.max) }
    return plan
  }

  /// The files that were edited last, these first.
  func edited(_ files: [String]) -> [String] { files + lastEdited.filter { !files.contains($0) } }

  /// The process that was asked to fork the candidate cannot: an earlier checkpoint, then the base. It lives on: what it
  /// lacks is the system's, most often, and will be there again.
  private mutating func forkFromElsewhere(than origin: ProcessToken, message: String) {
    guard let attempts = candidate?.attempts else { return }
    if origin == baseProcess || attempts > settings.checkpoints + 3 {
      reject(
        LoadFailure(cause: .system, message: "no process could be forked: \(message)"), tryingAgain: true, isCheap: true
      )
      return
    }
    let position = running?.checkpoints.first { $0.process == origin }?.position
    candidate?.limit = position.flatMap { $0 > 0 ? $0 - 1 : nil }
    fork()
  }

  /// What was to fork the candidate, or has, is gone by accident: the same again. False after several times in a row.
  mutating func beginAgain(_ candidate: Candidate, _ how: String) -> Bool {
    accidents += 1
    guard accidents <= Self.mostAccidents, candidate.way == .rewind || candidate.way == .coldStart else { return false }
    act(.report("what was to become generation \(candidate.generation.number) \(how): it is loaded again"))
    dismantle(candidate)
    self.candidate = nil
    build(files: candidate.files, limit: candidate.limit)
    return true
  }

  mutating func forget(checkpoint process: ProcessToken) {
    running?.checkpoints.removeAll { $0.process == process }
    candidate?.generation.checkpoints.removeAll { $0.process == process }
  }

  mutating func forked(_ process: ProcessToken) {
    if preloading.examination?.isAbout(process) == true { return trialForked() }
    guard candidate?.process == process, case .forking = candidate?.stage else {
      act(.kill(process))
      return
    }
    candidate?.stage = .loading
    candidate?.generation.mold = process
  }

  mutating func forkFailed(_ process: ProcessToken, _ message: String) {
    if preloading.examination?.isAbout(process) == true {
      interruptExamination()
    } else if candidate?.process == process, case .forking(let origin) = candidate?.stage {
      act(
        .report("no candidate could be forked from \(origin == baseProcess ? "the base" : "a checkpoint"): \(message)"))
      forkFromElsewhere(than: origin, message: message)
    } else if candidate?.generation.workers[process] != nil {
      candidateWorkerEnded(process, "could not be forked: \(message)")
    } else if running?.workers[process] != nil {
      workerEnded(process, isQuick: true, "could not be forked: \(message)")
    }
  }

  /// An origin that dies before it has forked: an earlier one, or the base.
  mutating func originEnded(_ process: ProcessToken) {
    forget(checkpoint: process)
    if case .forking(process) = candidate?.stage { fork() }
  }

  mutating func checkpointLeft(_ checkpoint: Checkpoint, by process: ProcessToken) {
    if preloading.examination?.trial.loader == process {
      preloading.examination?.trial.checkpoints.append(checkpoint)
      return
    }
    guard candidate?.process == process, candidate?.stage == .loading else {
      act(.close(checkpoint.process))
      return
    }
    candidate?.generation.checkpoints.removeAll { $0.position >= checkpoint.position }
    candidate?.generation.checkpoints.append(checkpoint)
  }

  mutating func dropCheckpoints(_ positions: [Int], of process: ProcessToken) {
    if preloading.examination?.trial.loader == process { return dropTrialCheckpoints(positions) }
    guard candidate?.process == process, candidate?.stage == .loading else { return }
    let dropped = candidate!.generation.checkpoints.filter { positions.contains($0.position) }
    candidate?.generation.checkpoints.removeAll { dropped.contains($0) }
    // The running generation keeps those that it shares until the candidate is promoted.
    for checkpoint in dropped where !isOfRunning(checkpoint) { act(.close(checkpoint.process)) }
  }

  private func isOfRunning(_ checkpoint: Checkpoint) -> Bool { running?.checkpoints.contains(checkpoint) ?? false }

  mutating func loaded(_ process: ProcessToken) {
    if preloading.examination?.isAbout(process) == true { return trialLoaded() }
    guard candidate?.process == process, candidate?.stage == .loading else { return }
    candidate?.stage = .loaded
    act(.look(.candidate))
  }

  mutating func failed(_ process: ProcessToken, _ failure: LoadFailure) {
    if failure.hook != nil { return startFailed(process, failure) }
    if preloading.examination?.isAbout(process) == true { return trialFailed(failure) }
    guard candidate?.process == process, candidate?.stage == .loading, let candidate else { return }
    // A checkpoint that cannot put its open files right has not met the application's fault.
    if failure.cause == .system, candidate.way == .rewind, let origin = candidate.origin(in: running) {
      act(.report("a rewind was not possible: \(failure.message)"))
      abandonLoad(candidate)
      forkFromElsewhere(than: origin, message: failure.message)
      return
    }
    self.candidate?.stage = .failing(failure.located(by: candidate.generation.trace))
    act(.look(.candidate))
  }

  /// What the last look says about the candidate.
  mutating func looked(_ difference: Difference) {
    guard let candidate else { return }
    if !difference.isEmpty {
      void(candidate, difference)
      return
    }
    switch candidate.stage {
    case .loaded: startWorkers()
    // Memory that was short, most often: what kills a load may be over soon.
    case .failing(let failure): reject(failure, tryingAgain: failure.cause == .killed && failure.status == SIGKILL)
    case .ready: promote()
    case .awaitingBase, .forking, .loading, .startingWorkers: break
    }
  }

  mutating func startWorkers() {
    candidate?.stage = .startingWorkers
    for _ in 0..<settings.workers { forkCandidateWorker() }
  }

  private mutating func forkCandidateWorker() {
    guard let candidate, let mold = candidate.generation.mold else { return }
    let worker = makeToken()
    self.candidate?.generation.workers[worker] = false
    self.candidate?.stage = .startingWorkers
    act(.forkWorker(worker, from: mold, generation: candidate.generation.number))
  }

  mutating func workerReady(_ process: ProcessToken) {
    if running?.workers[process] != nil {
      running?.workers[process] = true
      toldFailure = nil
      act(.countWorkers(running!.readyWorkers))
    } else if candidate?.generation.workers[process] != nil {
      candidate?.generation.workers[process] = true
      guard candidate!.stage == .startingWorkers, candidate!.generation.readyWorkers >= workersNeeded else { return }
      candidate?.stage = .ready
      // The disk has other code than what is rolled back to.
      if candidate!.way == .rollBack { promote() } else { act(.look(.candidate)) }
    }
  }

  /// How many workers must be ready before a candidate takes over. Where requests wait for the new code the first one
  /// serves them, and the others follow; where the old code goes on serving, all are to be there before it goes.
  private var workersNeeded: Int {
    settings.answersWithFailures && running != nil && candidate?.way != .rollBack ? 1 : settings.workers
  }

  mutating func candidateWorkerEnded(_ process: ProcessToken, _ how: String) {
    if case .failing = candidate?.stage { return }
    candidate?.generation.workers[process] = nil
    candidate?.deaths += 1
    if candidate!.deaths > 2 + settings.workers {
      reject(
        LoadFailure(cause: .system, message: "its workers end before they can serve; the last one \(how)"),
        tryingAgain: true)
    } else {
      forkCandidateWorker()
    }
  }

  mutating func candidateEnded(_ candidate: Candidate, _ departure: Departure) {
    switch candidate.stage {
    case .awaitingBase, .forking, .failing: break
    case .loading:
      if departure.isAccident, beginAgain(candidate, "\(departure.ending)") { return }
      self.candidate?.stage = .failing(
        LoadFailure(departure, trace: candidate.generation.trace))
      act(.look(.candidate))
    case .loaded, .startingWorkers, .ready:
      self.candidate?.generation.mold = nil
      kept.removeAll { $0.mold == candidate.process }
      if departure.isAccident, beginAgain(candidate, "\(departure.ending)") { return }
      reject(
        LoadFailure(cause: .system, message: "the mold of the new generation \(departure.ending)"), tryingAgain: true)
    }
  }
}

extension Candidate {
  /// The checkpoint that forked it: the last that it has from the running generation.
  func origin(in running: Generation?) -> ProcessToken? {
    generation.checkpoints.last { running?.checkpoints.contains($0) ?? false }?.process
  }
}
