/// The end of the server.
extension GenerationMachine {
  /// Ends everything but what serves the requests that still wait.
  mutating func stop() {
    isStopping = true
    abandonExamination()
    if let candidate { dismantle(candidate) }
    candidate = nil
    for checkpoint in running?.checkpoints ?? [] { act(.close(checkpoint.process)) }
    for mold in kept.compactMap(\.mold) { act(.close(mold)) }
    if let process = baseProcess { act(.close(process)) }
  }

  /// A worker that leaves, or dies, is replaced as long as requests wait: those that are left might all have to leave
  /// (`--max-requests`).
  mutating func handleWhileStopping(_ event: Event) {
    // What leaves from now on is to leave.
    guard let mold = running?.mold else { return }
    switch event {
    case .drained:
      act(.close(mold))
      running?.mold = nil
    case .ended(mold, _): running?.mold = nil
    case .ended(let process, let departure) where running?.workers[process] != nil:
      workerEnded(process, isQuick: departure.isQuick, "\(departure.ending)")
    case .forkFailed(let process, let message) where running?.workers[process] != nil:
      workerEnded(process, isQuick: true, "could not be forked: \(message)")
    case .failed(let process, let failure) where running?.workers[process] != nil: startFailed(process, failure)
    case .workerReady(let process): workerReady(process)
    case .woke:
      (isWaking, isPausing) = (false, false)
      replaceWorkers()
    default: break
    }
  }
}
