import ReloadModel

/// A perl that is replaced while processes of it run.
extension GenerationMachine {
  /// No process that lives is used any more: what it loads from now on belongs to the new perl, and need not fit. The
  /// running generation serves until the new perl has loaded the application.
  mutating func upgraded(_ files: [String]) {
    abandonExamination()
    preloading.startOver()
    if let candidate { dismantle(candidate) }
    candidate = nil
    pin = nil
    (isDemanded, isColdDemanded) = (false, false)
    for generation in kept { if let mold = generation.mold, mold != running?.mold { act(.close(mold)) } }
    for checkpoint in running?.checkpoints ?? [] { act(.close(checkpoint.process)) }
    kept = []
    running?.checkpoints = []
    isUpgrading = true
    let more = files.count > 1 ? " and \(files.count - 1) more" : ""
    act(.warn("perl was upgraded (\(files.first ?? "")\(more)): it is started anew"))
    restartBase(files)
  }

  /// The new perl serves: nobody rolls back to the old one.
  mutating func forgetOldPerl(_ old: Generation) {
    isUpgrading = false
    if let mold = old.mold, mold != running?.mold { act(.close(mold)) }
  }
}
