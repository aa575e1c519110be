import FileWatching
import ReloadModel
import SourceFiles

/// Compares what was loaded with the disk, and no more of it than may have changed.
///
/// A path may differ if it was touched since it was last found equal, if it is new in the trace, or if it differed
/// before. That holds only for what is watched, so new events must be watched before they are compared.
struct TraceComparisons {
  fileprivate struct Comparison {
    /// What was loaded before a checkpoint, as far as it is in another comparison.
    var inherited: (loader: ProcessToken, limit: Int)?
    var history = PathHistory()
    var lazily = PathHistory()
    var restless: Int
    /// The paths that may differ.
    var pending: Set<String> = []
    /// Whether every path may differ.
    var isUnknown = true

    mutating func append(_ trace: LoadTrace, _ lazily: [TraceEvent]) {
      let (new, newLazily) = (trace.events[history.end...], lazily[self.lazily.end...])
      history.append(new)
      self.lazily.append(newLazily)
      if !isUnknown {
        for event in new { pending.insert(event.path) }
        for event in newLazily { pending.insert(event.path) }
      }
    }
  }

  /// By the process that loaded: a load keeps its comparison from candidate to running generation.
  fileprivate var comparisons: [ProcessToken: Comparison] = [:]

  /// Something was touched.
  mutating func note(_ findings: Findings) {
    for loader in comparisons.keys {
      if findings.everything { comparisons[loader]?.isUnknown = true }
      comparisons[loader]?.pending.formUnion(findings.touched)
    }
  }

  /// A candidate was ordered: of what it inherits, what may differ is known.
  mutating func begin(_ candidate: Generation, after running: Generation?, restless: Int) {
    var comparison = Comparison(restless: restless)
    let count = candidate.trace.events.count
    if let running, let known = comparisons[running.loader], known.restless == restless, known.history.end >= count {
      comparison.inherited = (running.loader, count)
      comparison.history = PathHistory(from: count)
      comparison.pending = known.pending
      comparison.isUnknown = known.isUnknown
    }
    comparisons[candidate.loader] = comparison
  }

  /// What differs between the disk and what `loader` has loaded.
  ///
  /// - Parameters:
  ///   - restless: The number of paths that were taken out of all traces; the trace is another when it grows.
  ///   - everything: Whether to look at all paths, whatever is known.
  mutating func changes(
    _ loader: ProcessToken, _ trace: LoadTrace, _ lazily: [TraceEvent] = [], restless: Int, everything: Bool
  ) -> Changes {
    // Taken out, so that the history is not copied when it grows.
    var comparison = comparisons.removeValue(forKey: loader) ?? Comparison(restless: restless)
    if comparison.restless != restless || comparison.history.end > trace.events.count
      || comparison.lazily.end > lazily.count
    {
      comparison = Comparison(restless: restless)
    }
    comparison.append(trace, lazily)
    var index: TraceIndex
    if everything || comparison.isUnknown {
      index = TraceIndex(trace, lazily: lazily)
    } else {
      index = TraceIndex()
      for path in comparison.pending {
        for position in positions(of: path, in: comparison) { index.append(trace.events[position], at: position) }
        index.append(lazily: comparison.lazily.positions(of: path).map { lazily[$0] })
      }
    }
    let changes = index.changes(on: LocalDisk())
    comparison.pending = Set(changes.all.map(\.path))
    comparison.isUnknown = false
    comparisons[loader] = comparison
    return changes
  }

  private func positions(of path: String, in comparison: Comparison, before limit: Int = .max) -> [Int] {
    var positions = comparison.history.positions(of: path, before: limit)
    if let inherited = comparison.inherited, let former = comparisons[inherited.loader] {
      positions = self.positions(of: path, in: former, before: min(limit, inherited.limit)) + positions
    }
    return positions
  }

  /// Forgets all loads but these; who has inherited from one of the others keeps what is its own.
  mutating func keep(only loaders: [ProcessToken?]) {
    for loader in Array(comparisons.keys) where !loaders.contains(loader) {
      guard var former = comparisons.removeValue(forKey: loader) else { continue }
      var heirs = comparisons.keys.filter { comparisons[$0]?.inherited?.loader == loader }
      let last = heirs.popLast()
      for heir in heirs {
        var copy = former
        comparisons[heir]?.take(over: &copy)
      }
      if let last { comparisons[last]?.take(over: &former) }
    }
  }
}

extension TraceComparisons.Comparison {
  /// The comparison that this one has inherited from is given up. Its history moves here: a copy of it would take as long
  /// as the application is large.
  fileprivate mutating func take(over former: inout Self) {
    guard let limit = inherited?.limit else { return }
    inherited = former.inherited.map { ($0.loader, min($0.limit, limit)) }
    // It may have gone on from an earlier place than where the other one's own events begin.
    guard limit > former.history.start else { return }
    var whole = PathHistory()
    swap(&whole, &former.history)
    whole.truncate(to: limit)
    whole.append(history)
    history = whole
  }
}
