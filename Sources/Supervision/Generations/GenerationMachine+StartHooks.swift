import ReloadModel

/// Workers whose start hooks (`Nacre->on_worker_start`) fail.
extension GenerationMachine {
  /// Whether the process is a worker that is not ready yet.
  func isStarting(_ process: ProcessToken) -> Bool {
    (candidate?.generation.workers[process] ?? running?.workers[process]) == false
  }

  /// A candidate whose workers cannot start is rejected like one that does not load. A worker that was to replace a dead
  /// one is tried again: the running generation has proved that it can start.
  mutating func startFailed(_ process: ProcessToken, _ failure: LoadFailure) {
    if let candidate, candidate.generation.workers[process] != nil, candidate.way == .rollBack {
      // Whatever the disk says, what comes back is what was loaded long ago.
      let report = FailureReport(failure, generation: candidate.generation.number, meanwhile: .triesAgain)
      giveUpRollBack(candidate, report.headline)
    } else if let candidate, candidate.generation.workers[process] != nil {
      self.candidate?.generation.workers[process] = nil
      self.candidate?.stage = .failing(failure.located(by: candidate.generation.trace))
      act(.look(.candidate))
    } else if let running, running.workers[process] != nil {
      let failure = failure.located(by: running.trace)
      if toldFailure != failure {
        toldFailure = failure
        act(.warn(FailureReport(failure, generation: running.number, meanwhile: .triesAgain).terminal))
      }
      workerEnded(process, isQuick: true, "could not start")
    }
  }
}

extension LoadFailure {
  /// What a worker that left in a start hook without a word died of; nil if it was not in one, or if somebody has killed
  /// it, which says nothing about the hook.
  init?(inStartHook departure: GenerationMachine.Departure) {
    guard departure.hook != nil, !departure.isAccident else { return nil }
    self.init(departure, trace: LoadTrace())
  }
}
