import ReloadModel

/// What is done about what the disk shows.
extension GenerationMachine {
  mutating func touched(_ files: [String]) {
    respawning += files.filter { !respawning.contains($0) }
    switch candidate?.stage {
    case nil:
      // What its start hooks failed with may be in these files, which no trace has.
      if !files.isEmpty, rejection?.isOfRespawn == true { isDemanded = true }
      if rejection?.isRestless == true { isDemanded = true }
      act(.look(.additions))
    // An endless loop would be waited for although its file has been put right.
    case .loading, .startingWorkers: if candidate?.way != .rollBack { act(.look(.candidate)) }
    case .awaitingBase, .forking, .loaded, .failing, .ready: break
    }
  }

  mutating func demanded() {
    // A candidate that is being built will be the answer; a roll back was asked for before.
    if let candidate, candidate.way != .preload {
      if candidate.way == .rollBack { isDemanded = true }
      return
    }
    if let candidate { dismantle(candidate) }
    candidate = nil
    isDemanded = true
    act(.look(.running))
  }

  mutating func coldStartDemanded() {
    // The first start is a cold one.
    guard running != nil || candidate == nil else { return }
    if let candidate { dismantle(candidate) }
    candidate = nil
    isDemanded = true
    isColdDemanded = true
    preloading.startOver()
    act(.look(.running))
  }

  mutating func traced(_ process: ProcessToken, _ events: [TraceEvent]) {
    if preloading.examination?.trial.loader == process {
      preloading.examination?.trial.trace.append(contentsOf: events)
    } else if candidate?.process == process {
      candidate?.generation.trace.append(contentsOf: restless.isEmpty ? events : events.map { $0.calmed(restless) })
    } else if candidate?.generation.workers[process] != nil {
      _ = candidate!.generation.addLazily(events)
    } else if running?.workers[process] != nil, running!.addLazily(events), candidate == nil, settings.isAutomatic {
      // It may have changed between the load and the watch.
      act(.look(.additions))
    }
  }

  /// Decides what to do about the disk while there is no candidate.
  mutating func decide(_ difference: Difference, _ rejected: Difference, _ base: Difference) {
    guard candidate == nil else { return }
    let (isDemanded, isColdDemanded) = (isDemanded, isColdDemanded)
    (self.isDemanded, self.isColdDemanded) = (false, false)
    if !isDemanded, base.isEmpty, holdsPin(difference, former: rejected) { return replaceWorkers() }
    let wasPinned = pin != nil
    pin = nil
    if !base.isEmpty || isColdDemanded {
      restartBase(base.files + difference.files)
    } else if !isDemanded, rejection?.isRestless == true {
      // What it met will always differ: without a save it would be built and given up for ever.
      replaceWorkers()
    } else if running == nil {
      if rejection != nil, !rejected.isEmpty || isDemanded { build(files: rejected.files, limit: nil) }
    } else if let position = difference.position {
      // The same files differ as before, and the failed candidate would meet exactly what it met.
      if let rejection, rejected.isEmpty, rejection.files == difference.files, !isDemanded { return }
      build(files: difference.files, limit: position)
    } else if !isDemanded, rejection?.isTriedAgain == true {
      return
    } else {
      let isOvercome = rejection?.isTriedAgain != true && !rejected.isEmpty
      let isForgiven = isOvercome && difference.isEmpty && forgive()
      // Nothing was put right, and new workers would hide the failure.
      if rejection != nil, !isOvercome, !isDemanded { return replaceWorkers() }
      let files = difference.files + respawning.filter { !difference.files.contains($0) }
      if !files.isEmpty || isDemanded && !isForgiven {
        respawn(files)
      } else {
        if wasPinned { act(.forgive(running: running!.number)) }
        replaceWorkers()
      }
    }
  }

  /// What the running generation has loaded is back. False if nothing was wrong.
  private mutating func forgive() -> Bool {
    guard rejection != nil, let running else { return false }
    rejection = nil
    act(.forgive(running: running.number))
    return true
  }

  /// What perl had loaded before Nacre has changed, so no process that lives can be used.
  mutating func restartBase(_ files: [String]) {
    if let process = baseProcess { act(.close(process)) }
    startBase()
    build(files: files, limit: nil)
  }

  /// New workers from the same mold.
  private mutating func respawn(_ files: [String]) {
    guard var generation = running else { return }
    guard !isUpgrading, let mold = generation.mold else {
      build(files: files, limit: .max)
      return
    }
    abandonExamination()
    generation.number += 1
    generation.workers = [:]
    generation.lazily = []
    respawning = []
    generation.loader = mold
    candidate = Candidate(
      serial: makeSerial(), generation: generation, stage: .loaded, way: .respawn, files: files, limit: nil)
    act(.look(.candidate))
  }
}
