import FileWatching
import ReloadModel
import SourceFiles

/// Compares what was loaded with the disk, and no more of it than may have changed.
///
/// A path may differ if it was touched since it was last found equal, if it is new in the trace, or if it differed
/// before. That holds only for what is watched, so new events must be watched before they are compared.
struct TraceComparisons {
  private struct Comparison {
    var index = TraceIndex()
    /// How much of the trace and of the lazy loads is in the index.
    var events = 0
    var lazily = 0
    var restless: Int
    /// The paths that may differ.
    var pending: Set<String> = []
    /// Whether every path may differ.
    var isUnknown = true

    mutating func append(_ trace: LoadTrace, _ lazily: [TraceEvent]) {
      let (new, newLazily) = (trace.events[events...], lazily[self.lazily...])
      (events, self.lazily) = (trace.events.count, lazily.count)
      index.append(contentsOf: Array(new))
      index.append(lazily: Array(newLazily))
      if !isUnknown {
        for event in new { pending.insert(event.path) }
        for event in newLazily { pending.insert(event.path) }
      }
    }
  }

  /// By the process that loaded: a load keeps its comparison from candidate to running generation.
  private var comparisons: [ProcessToken: Comparison] = [:]

  /// Something was touched.
  mutating func note(_ findings: Findings) {
    for loader in comparisons.keys {
      if findings.everything { comparisons[loader]?.isUnknown = true }
      comparisons[loader]?.pending.formUnion(findings.touched)
    }
  }

  /// A candidate is about to be forked: of what it inherits, what may differ is known.
  mutating func begin(_ candidate: Generation, after running: Generation?, restless: Int) {
    var comparison = Comparison(restless: restless)
    if let running, let known = comparisons[running.loader], known.restless == restless {
      comparison.append(candidate.trace, [])
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
    // Taken out, so that the index is not copied when it grows.
    var comparison = comparisons.removeValue(forKey: loader) ?? Comparison(restless: restless)
    if comparison.restless != restless || comparison.events > trace.events.count || comparison.lazily > lazily.count {
      comparison = Comparison(restless: restless)
    }
    comparison.append(trace, lazily)
    let paths = everything || comparison.isUnknown ? nil : comparison.pending
    let changes = comparison.index.changes(touching: paths, on: LocalDisk())
    comparison.pending = Set(changes.all.map(\.path))
    comparison.isUnknown = false
    comparisons[loader] = comparison
    return changes
  }

  /// Forgets all loads but these.
  mutating func keep(only loaders: [ProcessToken?]) {
    comparisons = comparisons.filter { loaders.contains($0.key) }
  }
}
