import ReloadModel

/// Back to the code that ran before.
extension GenerationMachine {
  /// Goes back by one from what answers requests now: from a failure to the generation that ran before it, from the
  /// running generation to the one that is kept. A second roll back therefore undoes the first.
  ///
  /// A roll back is a promotion and has a number of its own, for numbers tell workers apart, and workers of the
  /// generation that comes back may still be finishing requests.
  mutating func rollBackDemanded() {
    if candidate?.way == .rollBack { return }
    guard let running else {
      act(.refuse("there is nothing to roll back to: no code has run yet"))
      return
    }
    if rejection != nil, settings.answersWithFailures {
      resume(running)
    } else if let target = kept.last, target.mold != nil {
      promise(target, after: running)
    } else {
      act(.refuse("there is nothing to roll back to: no other generation than \(running.number) is kept"))
    }
  }

  /// The running generation answers again in place of the failure.
  private mutating func resume(_ running: Generation) {
    pin = Pin(former: former(running))
    if let candidate { dismantle(candidate) }
    candidate = nil
    rejection = nil
    respawning = []
    act(.look(.pin))
    act(.resume(running: running.number))
  }

  /// Begins the candidate that brings an older generation back.
  private mutating func promise(_ target: Generation, after running: Generation) {
    abandonExamination()
    let pin = Pin(former: former(running))
    if let candidate { dismantle(candidate) }
    var generation = target
    generation.number = running.number + 1
    generation.loader = target.mold!
    generation.trace.calm(restless)
    // What both have loaded in the same way may go on serving both.
    let shared = zip(generation.trace.events, running.trace.events).prefix { $0 == $1 }.count
    generation.checkpoints = running.checkpoints.filter { $0.position <= shared }
    respawning = []
    candidate = Candidate(
      serial: makeSerial(), generation: generation, stage: .loaded, way: .rollBack, files: [], limit: nil, pin: pin)
    act(.look(.pin))
    startWorkers()
  }

  /// What is rolled back from: everything by which a later save can be noticed.
  private mutating func former(_ running: Generation) -> Generation {
    var former = running
    // It is compared with the disk as a load of its own.
    former.loader = makeToken()
    former.lazily += Array(rejection?.trace.events ?? []) + Array(candidate?.generation.trace.events ?? [])
    (former.checkpoints, former.workers) = ([], [:])
    return former
  }

  /// How the disk was when the roll back was asked for.
  mutating func looked(pinned: Difference, former: Difference) {
    let look = Pin.Look(pinned: pinned.digest, former: former.digest)
    // What comes back may be what the disk has: nothing holds it then but itself.
    if candidate?.way == .rollBack {
      if pinned.isEmpty { candidate?.pin = nil } else { candidate?.pin?.look = look }
    } else {
      if pinned.isEmpty { pin = nil } else { pin?.look = look }
    }
  }

  /// Whether the disk is as it was when somebody rolled back.
  func holdsPin(_ difference: Difference, former: Difference) -> Bool {
    guard let pin, respawning.isEmpty, !difference.isEmpty else { return false }
    return pin.look.map { $0 == Pin.Look(pinned: difference.digest, former: former.digest) } ?? true
  }

  /// The generation that was to come back cannot; the running one has not noticed.
  mutating func giveUpRollBack(_ candidate: Candidate, _ reason: String) {
    dismantle(candidate)
    self.candidate = nil
    act(.refuse("generation \(candidate.generation.loadedAs) cannot come back: \(reason)"))
    act(.look(.running))
  }
}
