import ReloadModel
import SourceFiles

/// What pattern files were like when it was last asked: the means to tell a save from a touch.
struct PatternFiles {
  private enum Baseline {
    /// The content is known.
    case known(Fingerprint)
    /// Only the status is; the fingerprint's hash means nothing.
    case status(FileStatus)
    /// There was nothing.
    case missing
  }

  private var baselines: [String: Baseline] = [:]
  /// Content is hashed ahead of any change only up to this many bytes in all; what exceeds it is known by status.
  private var budget: UInt64 = 4 << 20

  func contains(_ path: String) -> Bool { baselines[path] != nil }

  /// The files in and below a directory.
  func below(_ directory: String) -> [String] { baselines.keys.filter { WatchRules.contains(directory, $0) } }

  /// Takes what stands at the path now as what was there all along.
  mutating func remember(_ path: String) {
    guard case .success(let status) = FileStatus.status(of: path) else { return }
    if status.size <= budget, let fingerprint = fingerprint(of: path).fingerprint {
      budget -= min(status.size, budget)
      baselines[path] = .known(fingerprint)
    } else {
      baselines[path] = .status(status)
    }
  }

  mutating func forget() { baselines = [:] }

  /// Those that differ from the baseline, which becomes what is there now.
  mutating func changed(among paths: Set<String>?) -> Set<String> {
    var changed: Set<String> = []
    for path in paths ?? Set(baselines.keys) where isChanged(path) { changed.insert(path) }
    return changed
  }

  private mutating func isChanged(_ path: String) -> Bool {
    let before = baselines[path] ?? .missing
    if case .status(let old) = before, case .success(let now) = FileStatus.status(of: path), now == old { return false }
    var previous: Fingerprint?
    if case .known(let fingerprint) = before { previous = fingerprint }
    guard let now = fingerprint(of: path, previous: previous).fingerprint else {
      baselines[path] = .missing
      if case .missing = before { return false }
      return true
    }
    baselines[path] = .known(now)
    return previous.map { !$0.sameContent(as: now) } ?? true
  }
}
