import FileWatching
import ProcessProtocol
import ReloadModel
import SourceFiles
import Switchboard

/// Files that the application itself writes.
extension Freshness {
  /// A worker tells of what it has done with files; what says something about a later load is returned.
  func takeWrites(of events: [TraceEvent]) -> [TraceEvent] {
    let now = EventLoop.clock()
    return events.filter { event in
      guard case .written(let path) = event else { return true }
      let given = givenPath(of: path)
      selfWriting.wrote(given, isReadAtLoad: readAtLoad.contains(given), at: now)
      return false
    }
  }

  /// A candidate was promoted: what differs from now on must trigger a reload of its own.
  func promoted(by files: [String], way: Way) -> [SelfWriting.Verdict] {
    isTriggered = false
    touchList = nil
    guard isAutomatic, way == .rewind || way == .respawn || way == .coldStart else { return [] }
    let now = EventLoop.clock()
    for file in files where writtenAtLoad.contains(file) { selfWriting.wrote(file, isReadAtLoad: false, at: now) }
    return selfWriting.reloaded(
      by: files.filter { !sources.contains($0) }, readAtLoad: readAtLoad, touchedAt: touchedAt ?? now, at: now,
      // What is polled is seen so much later.
      delay: watcher.polls ? pollInterval : 0)
  }

  /// The path by which traces and patterns know a file: a worker that uses relative paths sees no links in the way to
  /// its directory.
  private func givenPath(of path: String) -> String {
    guard let alias, WatchRules.contains(alias.real, path) else { return path }
    return alias.given + path.dropFirst(alias.real.count)
  }
}
