import ReloadModel

/// Loading what the application is known to ask for before it does: learning, verifying and giving up the order.
extension GenerationMachine {
  /// Whether there is something to be found out in the background, and nothing else to do.
  var wantsExamination: Bool { nextExamination != nil }

  private var nextExamination: Examination.Purpose? {
    guard let running, running.mold != nil, candidate == nil, rejection == nil, pin == nil, !isStopping, !isUpgrading,
      case .ready = base, preloading.examination == nil, preloading.passedOver != running.loader
    else { return nil }
    switch preloading.use {
    case .forbidden, .off: return nil
    case .natural: return .vendor
    case .verified:
      if preloading.verified != running.loader { return .recheck }
      return preloading.wantedHot(lastEdited, in: running.trace).map { .hot($0) }
    }
  }

  /// Nothing has happened for a while.
  mutating func beginExamination() {
    guard let purpose = nextExamination, let running else { return }
    let order: PreloadOrder
    switch purpose {
    case .recheck: order = PreloadOrder()
    case .vendor:
      order = PreloadOrder(vendorOf: running.trace, without: preloading.unfit)
      preloading.vendor = order
    case .hot(let files):
      if preloading.hot.isEmpty { preloading.learned = running.trace }
      order = PreloadOrder(
        placingLast: files, after: preloading.vendor, of: preloading.learned, without: preloading.unfit)
    }
    if purpose != .recheck, order.isNatural {
      preloading.passedOver = running.loader
      return
    }
    let trial = Generation(number: running.number, loader: makeToken())
    preloading.examination = Examination(purpose: purpose, order: order, trial: trial)
    forkTrial(trial.loader, order)
  }

  private mutating func forkTrial(_ process: ProcessToken, _ order: PreloadOrder) {
    guard case .ready(let base) = base, let running else { return abandonExamination() }
    let trial = Generation(number: running.number, loader: process)
    var plan = order.isNatural ? LoadPlan.first(maximum: 0) : plan(trial, lastEdited: lastEdited)
    plan.preload = order
    plan.isTrial = true
    act(.forkTrial(process, from: base, generation: running.number, plan: plan))
  }

  // MARK: The trial

  mutating func trialForked() {
    if preloading.examination?.step == .forking { preloading.examination?.step = .loading }
  }

  mutating func dropTrialCheckpoints(_ positions: [Int]) {
    for checkpoint in preloading.examination?.trial.checkpoints ?? [] where positions.contains(checkpoint.position) {
      act(.close(checkpoint.process))
    }
    preloading.examination?.trial.checkpoints.removeAll { positions.contains($0.position) }
  }

  mutating func trialLoaded() {
    guard let examination = preloading.examination, let mold = running?.mold else { return abandonExamination() }
    switch examination.step {
    case .loading:
      preloading.examination?.trial.mold = examination.trial.loader
      takeCensus(.running, of: mold)
    case .loadingSecond(let second):
      takeCensus(.second(runningIsNatural: examination.purpose != .recheck), of: second)
    case .forking, .census: break
    }
  }

  mutating func trialFailed(_ failure: LoadFailure) {
    if case .census = preloading.examination?.step {
      giveUpExamination("the loaded application cannot be described (\(failure.message.firstLine))")
    } else {
      giveUpExamination(
        "the application cannot be loaded a second time in the background (\(failure.message.firstLine))")
    }
  }

  /// What speaks against an order: for a trial, all of it; a candidate is over with the first.
  mutating func objected(_ process: ProcessToken, _ objections: [PreloadObjection]) {
    guard let first = objections.first else { return }
    if preloading.examination?.trial.loader == process {
      preloading.unfit.formUnion(objections.map(\.key))
      preloading.rounds += 1
      let isOver = preloading.rounds >= Preloading.mostRounds
      let reason = first.sentence
      if isOver { giveUpExamination(reason) } else { abandonExamination() }
    } else if let candidate, candidate.process == process, candidate.stage == .loading {
      preloading.outgrown(first.sentence)
      act(.inform("preload given up, \(first.sentence): loading in natural order"))
      abandonLoad(candidate)
      self.candidate?.limit = nil
      self.candidate?.attempts = 0
      fork()
    }
  }

  // MARK: Comparing

  private mutating func takeCensus(_ census: Examination.Census, of mold: ProcessToken) {
    let process = makeToken()
    preloading.examination?.step = .census(census, by: process)
    act(.takeCensus(process, from: mold, census))
  }

  mutating func censusTaken(_ process: ProcessToken, _ differences: Int, _ first: String) {
    guard let examination = preloading.examination, case .census(let census, process) = examination.step else { return }
    switch census {
    case .running: takeCensus(.trial, of: examination.trial.loader)
    case .trial where differences > 0:
      let second = makeToken()
      preloading.examination?.second = second
      preloading.examination?.step = .loadingSecond(second)
      forkTrial(second, PreloadOrder())
    case .trial: foundEqual(examination)
    case .second:
      if differences == 0 {
        foundEqual(examination)
      } else {
        foundDifferent(examination, first + (differences > 1 ? " and \(differences - 1) more" : ""))
      }
    }
  }

  private mutating func foundEqual(_ examination: Examination) {
    guard let running else { return }
    preloading.rounds = 0
    if examination.purpose == .recheck {
      abandonExamination()
      preloading.verified = running.loader
      return
    }
    preloading.examination = nil
    if let second = examination.second { act(.kill(second)) }
    preloading.promised = examination
    var generation = examination.trial
    generation.number = running.number + 1
    generation.loadedAs = running.loadedAs
    generation.trace.calm(restless)
    candidate = Candidate(
      serial: makeSerial(), generation: generation, stage: .loaded, way: .preload, files: [], limit: nil)
    act(.look(.candidate))
  }

  private mutating func foundDifferent(_ examination: Examination, _ what: String) {
    switch examination.purpose {
    case .vendor: giveUpExamination("the application differs when its libraries are loaded first: \(what)")
    case .hot(let files):
      abandonExamination()
      preloading.coldFiles.formUnion(files)
      act(.report("preload: \(files.sorted().joined(separator: ", ")) cannot be loaded last: \(what) would differ"))
    case .recheck:
      giveUpExamination("the running code differs from a load in natural order: \(what)")
      build(files: [], limit: nil)
    }
  }

  // MARK: The end of an examination

  private mutating func giveUpExamination(_ reason: String) {
    abandonExamination()
    preloading.giveUp(reason)
    act(.warn("preload is off: \(reason)"))
  }

  /// A process of the examination has failed where the application is not at fault, or nobody knows.
  mutating func interruptExamination() {
    abandonExamination()
    // Not again with this load, or it would go on for ever.
    preloading.rounds += 1
    if preloading.rounds >= Preloading.mostRounds { preloading.passedOver = running?.loader }
  }

  /// There is something else to do.
  mutating func abandonExamination() {
    guard let examination = preloading.examination else { return }
    preloading.examination = nil
    if case .census(_, let process) = examination.step { act(.kill(process)) }
    for process in [examination.second, examination.trial.loader].compactMap(\.self) { act(.kill(process)) }
    for checkpoint in examination.trial.checkpoints { act(.close(checkpoint.process)) }
  }

  /// The workers of a preloaded generation do not start; the running one has not noticed.
  mutating func giveUpPreload(_ candidate: Candidate, _ reason: String) {
    dismantle(candidate)
    self.candidate = nil
    preloading.giveUp(reason)
    act(.warn("preload is off: \(reason)"))
    act(.look(.running))
  }
}

extension String {
  /// Up to the first line's end.
  fileprivate var firstLine: Substring { prefix { $0 != "\n" } }
}
