import ReloadModel

/// A candidate that takes over.
extension GenerationMachine {
  mutating func promote() {
    guard let candidate else { return }
    let old = running
    let new = candidate.generation
    self.candidate = nil
    running = new
    rejection = nil
    (accidents, rejectionsInARow) = (0, 0)
    pin = candidate.pin
    if candidate.way != .rollBack { respawning = [] }
    voids = [:]
    lastEdited = Array(edited(candidate.files).prefix(8))
    preloading.promoted(candidate)
    act(
      .promote(
        Promotion(
          generation: new.number, way: candidate.way, files: candidate.files, workers: new.readyWorkers,
          isFirst: old == nil, loadedAs: new.loadedAs)))
    guard let old else {
      isUpgrading = false
      freshCheckpoints = min(new.checkpoints.count, settings.checkpoints)
      spareCheckpoints(after: nil)
      return
    }
    for checkpoint in old.checkpoints where !new.checkpoints.contains(checkpoint) { act(.close(checkpoint.process)) }
    act(.retire(Array(old.workers.keys)))
    keep(old, besides: new)
    if candidate.way == .coldStart {
      // What kept the first start from leaving more may be gone.
      freshCheckpoints = max(freshCheckpoints, min(new.checkpoints.count, settings.checkpoints))
    }
    spareCheckpoints(after: old)
    // What was saved, or asked for, since the roll back began.
    if candidate.way == .rollBack, settings.isAutomatic || isDemanded { act(.look(.running)) }
  }

  private mutating func keep(_ old: Generation, besides new: Generation) {
    if isUpgrading { return forgetOldPerl(old) }
    kept.removeAll { $0.mold == new.mold }
    // The same code in another order is nothing to roll back to.
    if preloading.isOfPreload(new), let mold = old.mold {
      act(.close(mold))
      return
    }
    guard old.mold != nil, old.mold != new.mold else { return }
    kept.append(old)
    kept[kept.count - 1].checkpoints = []
    kept[kept.count - 1].workers = [:]
    if kept.count > 1, let mold = kept.removeFirst().mold { act(.close(mold)) }
  }

  /// Closes checkpoints, where memory counts, until those that are left hold with the kept mold about as much as those of
  /// a fresh start.
  private mutating func spareCheckpoints(after old: Generation?) {
    guard settings.sparesMemory, let running, old == nil || old?.mold != running.mold else { return }
    let allowance = CheckpointAllowance(most: freshCheckpoints)
    var count = allowance.most
    if let old, kept.contains(where: { $0.mold == old.mold }) {
      let shared = running.checkpoints.last { old.checkpoints.contains($0) }?.position ?? 0
      count = allowance.count(sharing: shared, of: old.trace.events.count)
    }
    let surplus = CheckpointAllowance.surplus(
      of: running.checkpoints.map(\.position), leaving: count, end: running.trace.events.count,
      edited: running.trace.positions(of: lastEdited))
    for checkpoint in running.checkpoints where surplus.contains(checkpoint.position) {
      act(.close(checkpoint.process))
    }
    self.running?.checkpoints.removeAll { surplus.contains($0.position) }
  }
}
