import ReloadModel

/// Where a load failed, as far as its trace can tell.
extension LoadFailure {
  /// Why a candidate that left without a word did not load.
  ///
  /// - Parameters:
  ///   - departure: how it left, and where its scoreboard cell says that it was; the innermost file of `trace` that had
  ///     begun and not ended stands in for that.
  ///   - trace: what it had loaded.
  init(_ departure: GenerationMachine.Departure, trace: LoadTrace) {
    // What the cause does not say is the message.
    let (cause, message, status): (Cause, String, Int32) =
      if let timeout = departure.timeout {
        (.timedOut, "", timeout)
      } else {
        switch departure.ending {
        case .exited(let status): (.exited, "", status)
        case .killed(let signal): (.killed, "", signal)
        case .unknown: (.system, "The loading process ended, and nobody could tell how.", 0)
        }
      }
    self.init(
      cause: cause, file: departure.file ?? "", line: departure.line, message: message, status: status,
      hook: departure.hook)
    self = located(by: trace)
  }

  /// The failure with its place and the way there, as perl's message and the trace tell them, in absolute paths.
  func located(by trace: LoadTrace) -> LoadFailure {
    var failure = self
    if failure.file.isEmpty, failure.cause == .died {
      failure = LoadFailure(perlSays: message, status: status)
      failure.hook = hook
    }
    // A message without a place, or a crash that left none: the hook is the nearest that is known.
    if failure.file.isEmpty, let hook { (failure.file, failure.line) = (hook.file, hook.line) }
    failure.file = trace.absolute(failure.file)
    for index in failure.chain.indices { failure.chain[index].file = trace.absolute(failure.chain[index].file) }
    // The load was over when a hook ran: how its files were loaded did not lead there.
    if hook != nil { return failure }
    if failure.chain.isEmpty { failure.chain = trace.way(toFailureIn: failure.file) }
    guard let last = failure.chain.indices.last else { return failure }
    if failure.file.isEmpty { failure.file = failure.chain[last].file }
    if failure.chain[last].file == failure.file { failure.chain[last].line = failure.line }
    return failure
  }
}

extension LoadTrace {
  /// The source file that perl names by a path which was relative when it was loaded.
  fileprivate func absolute(_ file: String) -> String {
    guard !file.isEmpty, !file.hasPrefix("/") else { return file }
    let ending = file.hasPrefix("./") ? String(file.dropFirst()) : "/" + file
    for case .began(let candidate, _, _, _, _) in events.reversed() where candidate.hasSuffix(ending) {
      return candidate
    }
    return file
  }

  /// The files whose load led to the failure, the outermost first, each with the line that asked for the next (0 for
  /// the innermost).
  ///
  /// Those are the files that had begun and not ended; or, as perl unwinds before it reports, those that have ended one
  /// after another at the end of the trace. `exit` unwinds past files as if they had loaded.
  fileprivate func way(toFailureIn file: String) -> [LoadFailure.Step] {
    var open: [LoadFailure.Step] = []
    var failed: [LoadFailure.Step]?
    var unwound: [LoadFailure.Step]?
    for event in events {
      switch event {
      case .began(let file, _, _, let line, _):
        if let last = open.indices.last { open[last].line = line }
        open.append(.init(file: file, line: 0))
        (failed, unwound) = (nil, nil)
      case .ended(let file, let loaded, _):
        unwound = unwound ?? open
        failed = loaded ? nil : failed ?? open
        if let index = open.lastIndex(where: { $0.file == file }) { open.removeSubrange(index...) }
        if let last = open.indices.last { open[last].line = 0 }
      default: (failed, unwound) = (nil, nil)
      }
    }
    if let unwound, unwound.last?.file == file { return unwound }
    return failed ?? open
  }
}
