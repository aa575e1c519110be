import ReloadModel

/// Candidates that come to nothing.
extension GenerationMachine {
  /// After so many candidates in a row that one path has made void, the path says nothing any more.
  static let patience = 3
  /// After so many that a source file has made void, nothing is tried until the next save.
  static let patienceWithSources = 10

  /// The disk is no longer what the candidate loaded: start again with what it is now.
  mutating func void(_ candidate: Candidate, _ difference: Difference) {
    if candidate.way == .preload {
      dismantle(candidate)
      self.candidate = nil
      act(.look(.running))
      return
    }
    if let file = noteVoid(difference, candidate.generation.trace) {
      reject(
        LoadFailure(cause: .system, file: file, message: "\(file) changes whenever the application loads"),
        isRestless: true)
      return
    }
    dismantle(candidate)
    self.candidate = nil
    if running != nil {
      act(.look(.additions))
    } else {
      build(files: difference.files, limit: nil)
    }
  }

  /// A file that the load itself writes makes every candidate void, so that such a file is ignored in the end. A source
  /// file never is: somebody may be saving it over and over. Returns one that has changed too often.
  private mutating func noteVoid(_ difference: Difference, _ trace: LoadTrace) -> String? {
    var sources: Set<String> = []
    for case .began(let file, _, _, _, _) in trace.events { sources.insert(file) }
    voids = voids.filter { difference.files.contains($0.key) }
    for file in difference.files { voids[file, default: 0] += 1 }
    for file in difference.files where !sources.contains(file) && voids[file]! >= Self.patience {
      restless.insert(file)
      act(.report("\(file) changes whenever the application loads, so its changes are ignored (as with --ignore)"))
    }
    if !restless.isEmpty {
      running?.trace.calm(restless)
      rejection?.trace.calm(restless)
    }
    return difference.files.first { sources.contains($0) && voids[$0]! >= Self.patienceWithSources }
  }

  /// From now on these paths say nothing, but for source files of the load.
  mutating func stopFollowing(_ paths: Set<String>) {
    restless.formUnion(paths)
    running?.trace.calm(restless)
    running?.lazily.removeAll { paths.contains($0.path) }
    candidate?.generation.trace.calm(restless)
    rejection?.trace.calm(restless)
  }

  /// The candidate comes to nothing; the running generation has not noticed. `tryingAgain` after a while, if the disk is
  /// not at fault; so is one that was built although nothing had changed, for there is nothing to put right.
  ///
  /// - Parameters:
  ///   - tryingAgain: whether to try again after a while although the disk stays as it is.
  ///   - isCheap: whether that attempt, if it fails as well, costs next to nothing, so that it need not wait for long.
  mutating func reject(
    _ failure: LoadFailure, tryingAgain: Bool = false, isCheap: Bool = false, isRestless: Bool = false
  ) {
    guard let candidate else { return }
    if candidate.way == .rollBack { return giveUpRollBack(candidate, failure.message) }
    if candidate.way == .preload { return giveUpPreload(candidate, failure.message) }
    dismantle(candidate)
    self.candidate = nil
    let tryingAgain = tryingAgain || running != nil && candidate.files.isEmpty
    var trace = candidate.generation.trace
    trace.append(contentsOf: candidate.generation.lazily)
    rejection = Rejection(
      failure: failure, loader: candidate.process, trace: trace, files: candidate.files,
      isOfRespawn: candidate.way == .respawn, isRestless: isRestless, isTriedAgain: tryingAgain)
    voids = [:]
    if running == nil, !settings.waitsForSaves {
      act(.giveUp(failure, generation: candidate.generation.number))
      return
    }
    act(.reject(failure, generation: candidate.generation.number, running: running?.number))
    if tryingAgain { rejectionsInARow += 1 } else { accidents = 0 }
    // Whatever the system refused should be had within a second of its being there again; but a load that comes to
    // nothing may take long, and somebody else needs the processor, too.
    if tryingAgain { wake(afterSeconds: isCheap ? 1 : Self.delay(after: rejectionsInARow + 1)) }
    // What was saved meanwhile may lie beyond the failure.
    if running != nil { act(.look(.running)) }
  }

  /// Ends every process that only the candidate has.
  mutating func dismantle(_ candidate: Candidate) {
    for worker in candidate.generation.workers.keys.sorted(by: { $0.number < $1.number }) { act(.kill(worker)) }
    if !candidate.way.forksOnly { abandonLoad(candidate) }
  }

  func hasProcess(_ candidate: Candidate) -> Bool {
    switch candidate.stage {
    case .awaitingBase, .forking: false
    case .loading, .loaded, .failing, .startingWorkers, .ready: true
    }
  }

  mutating func abandonLoad(_ candidate: Candidate) {
    if hasProcess(candidate) { act(.kill(candidate.process)) }
    for checkpoint in candidate.generation.checkpoints
    where !(running?.checkpoints.contains(checkpoint) ?? false) {
      act(.close(checkpoint.process))
    }
  }

  // MARK: Deaths

  mutating func ended(_ process: ProcessToken, _ departure: Departure) {
    if preloading.examination?.isAbout(process) == true {
      interruptExamination()
    } else if process == baseProcess {
      baseEnded(process, departure)
    } else if isStarting(process), let failure = LoadFailure(inStartHook: departure) {
      startFailed(process, failure)
    } else if let candidate, candidate.generation.workers[process] != nil {
      candidateWorkerEnded(process, "\(departure.ending)")
    } else if running?.workers[process] != nil {
      workerEnded(process, isQuick: departure.isQuick, "\(departure.ending)")
    } else if process == running?.mold {
      moldEnded(departure)
    } else if let candidate, candidate.process == process {
      candidateEnded(candidate, departure)
    } else {
      kept.removeAll { $0.mold == process }
      originEnded(process)
    }
  }

  mutating func startBase() {
    let process = makeToken()
    base = .starting(process)
    act(.startBase(process))
  }

  mutating func baseReady(_ process: ProcessToken, _ loaded: [TraceEvent]) {
    guard base == .starting(process) else { return }
    base = .ready(process)
    baseTrace = LoadTrace(loaded)
    quickBases = 0
    if candidate?.stage == .awaitingBase { fork() }
  }

  private mutating func baseEnded(_ process: ProcessToken, _ departure: Departure) {
    let wasReady = base == .ready(process)
    base = .down
    // Somebody has killed it, which says nothing about perl.
    let isAccident = departure.isAccident && departure.ending != .unknown && quickBases < Self.mostAccidents
    if !wasReady, running == nil, rejection == nil, !isAccident {
      act(
        .giveUp(
          LoadFailure(cause: .system, message: "perl \(departure.ending) before it was ready"), generation: 1))
      return
    }
    act(.report("the base \(departure.ending); a new one is started"))
    quickBases += wasReady ? 0 : 1
    let delay = min(Self.delay(after: quickBases), 1)
    if case .forking(process) = candidate?.stage { candidate?.stage = .awaitingBase }
    if delay == 0 { startBase() } else { wake(afterSeconds: delay) }
  }

  private mutating func moldEnded(_ departure: Departure) {
    abandonExamination()
    running?.mold = nil
    act(.report("the mold of generation \(running!.number) \(departure.ending)"))
    // A respawn has lost what its workers are forked from.
    if let candidate, candidate.way == .respawn {
      dismantle(candidate)
      self.candidate = nil
      build(files: candidate.files, limit: .max)
    }
  }

  mutating func workerEnded(_ process: ProcessToken, isQuick: Bool, _ how: String) {
    running?.workers[process] = nil
    act(.countWorkers(running!.readyWorkers))
    quickWorkers = isQuick ? quickWorkers + 1 : 0
    // The mold is there, so a fork is all that an attempt in vain costs.
    let delay = min(Self.delay(after: quickWorkers), 1)
    if delay == 0 {
      replaceWorkers()
    } else {
      if !isPausing { act(.report("a new worker \(how); the next one is forked in \(delay) s")) }
      isPausing = true
      wake(afterSeconds: delay)
    }
  }

  /// Forks the workers that the running generation lacks; builds it anew if nothing is left to fork them from.
  mutating func replaceWorkers() {
    guard let generation = running, !isPausing else { return }
    let missing = settings.workers - generation.workers.count
    guard missing > 0 else { return }
    guard let mold = generation.mold else {
      if candidate == nil, rejection == nil { build(files: [], limit: .max) }
      return
    }
    for _ in 0..<missing {
      let worker = makeToken()
      running?.workers[worker] = false
      act(.forkWorker(worker, from: mold, generation: generation.number))
    }
  }
}

extension LoadTrace {
  /// Makes the events of these paths say nothing, and keeps their positions.
  mutating func calm(_ paths: Set<String>) {
    self = LoadTrace(events.map { $0.calmed(paths) })
  }
}

extension TraceEvent {
  /// What stands in place of this event when these paths say nothing.
  func calmed(_ paths: Set<String>) -> TraceEvent {
    switch self {
    case .began, .ended, .library, .written, .used, .entered: self
    default: paths.contains(path) ? .library(file: path, key: "", microseconds: 0) : self
    }
  }
}
