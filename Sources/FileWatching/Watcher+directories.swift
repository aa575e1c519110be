import CLinux
import Glibc
import SourceFiles

/// The kernel's watches: one a real directory.
extension Watcher {
  /// Watches a real directory for at least these events, once a round.
  ///
  /// - Returns: Whether it had not been watched before: what happened in it before this call sent no event.
  @discardableResult
  func makeSure(of path: String, _ mask: UInt32) -> Bool {
    let known = directories[path, default: WatchedDirectory()]
    let wanted = known.mask | mask
    let isKept = known.watch != nil || polled[path] != nil
    if known.round == round && known.mask == wanted && isKept { return false }
    directories[path, default: WatchedDirectory()].round = round
    directories[path]!.mask = wanted
    if directories[path]!.isVacant { vacant.insert(path) }
    if isPolling {
      if case .success(let status) = FileStatus.status(of: path), status.isDirectory { poll(path, because: .asked) }
      return false
    }
    switch inotify.add(path, mask: wanted) {
    case .success(let watch):
      if let name = FileSystem.withoutEvents(path) {
        poll(path, because: .fileSystem(name))
      } else {
        polled[path] = nil
      }
      return adopt(watch, for: path)
    case .failure(let refusal):
      forgetWatch(of: path)
      // Gone: the directory above tells when it is there again.
      if refusal.meansGone { return false }
      poll(path, because: Self.cause(of: refusal, hasQueue: descriptor >= 0))
      return false
    }
  }

  private func adopt(_ watch: Int32, for path: String) -> Bool {
    if directories[path]!.watch == watch { return false }
    forgetWatch(of: path)
    directories[path]!.watch = watch
    owners[watch, default: []].insert(path)
    return true
  }

  /// Gives up the watch of a directory, or of what has taken its place.
  func forgetWatch(of path: String) {
    guard let watch = directories[path]?.watch else { return }
    directories[path]!.watch = nil
    owners[watch]?.remove(path)
    guard owners[watch]?.isEmpty == true else { return }
    owners[watch] = nil
    inotify.remove(watch)
  }

  /// Gives up directories in which nothing is watched any more.
  func removeVacant() {
    for path in vacant where directories[path]?.isVacant == true {
      forgetWatch(of: path)
      directories[path] = nil
      polled[path] = nil
    }
    vacant = []
  }

  private func poll(_ path: String, because cause: PollCause) {
    polled[path] = cause
  }

  private static func cause(of refusal: SystemRefusal, hasQueue: Bool) -> PollCause {
    if !hasQueue { return .noQueue }
    return refusal.number == ENOSPC ? .noWatches : .refused(refusal.number)
  }
}
