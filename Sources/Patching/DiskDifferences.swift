import CLinux
import FileWatching
import PerlRuntime
import ReloadModel
import SourceFiles

/// The loaded files that differ on disk from what runs.
final class DiskDifferences {
  private let follower: LoadFollower
  private var watcher: Watcher?
  /// The version of the follower's files that the watcher knows.
  private var watchedVersion = -1
  private var watched: Set<Int> = []
  private var byPath: [String: Int] = [:]
  /// Their numbers.
  private(set) var files: Set<Int> = []
  /// What was seen of them last.
  private var present: [Int: Fingerprint] = [:]
  /// Those whose present content could not be loaded or was refused.
  private var rejected: [Int: Fingerprint] = [:]
  /// How many patches had been made when files were seen to be gone. One that comes back is loaded again, whatever is in
  /// it, if there has been a patch meanwhile: another file (its own, renamed) may have taken the place of what it defines
  /// elsewhere.
  private var goneAt: [Int: Int] = [:]
  private var patches = 0

  init(_ follower: LoadFollower) { self.follower = follower }

  /// For a clone of the interpreter. It watches by itself from its next look on.
  init(_ follower: LoadFollower, like parent: DiskDifferences) {
    self.follower = follower
    (files, present, rejected) = (parent.files, parent.present, parent.rejected)
    (goneAt, patches) = (parent.goneAt, parent.patches)
  }

  /// Whether there is one that is news.
  var isNews: Bool { files.contains(where: isNews) }

  /// Whether what a file is now was not tried before.
  func isNews(_ file: Int) -> Bool {
    guard let before = rejected[file], let now = present[file] else { return true }
    return !before.sameContent(as: now)
  }

  /// What a file was at the last look.
  func state(of file: Int) -> Fingerprint {
    present[file] ?? SourceFiles.fingerprint(of: follower.files[file].path).fingerprint ?? .none
  }

  /// Nobody is interested in a file any more.
  func dismiss(_ file: Int) { files.remove(file) }

  // MARK: Looking

  /// This process is a fork: the queue of events is the parent's.
  func startOver() {
    watcher = nil
    watchedVersion = -1
    watched = []
    follower.noteAllChanged()
  }

  /// Other files may matter now.
  func chooseAgain() { watchedVersion = -1 }

  /// Whether the system gives no events, so that each file is looked at each time.
  var polls: Bool {
    watch()
    return watcher!.polls
  }

  /// Finds out which files differ. False if nothing has happened since the last time.
  func look() -> Bool {
    var touched = watch()
    guard let watcher else { return false }
    if watcher.descriptor >= 0, cl_readable_bytes(watcher.descriptor) > 0 {
      let findings = watcher.drain()
      if findings.everything { touched = watched }
      for path in findings.touched {
        if let file = byPath[path] { touched.insert(file) } else { rejected = [:] }
      }
    }
    if watcher.polls { touched = watched }
    guard !touched.isEmpty else { return !files.isEmpty }
    for file in touched.union(files) { compare(file) }
    return true
  }

  private func compare(_ number: Int) {
    let file = follower.files[number]
    guard file.isLoaded, follower.minds(number), let before = file.fingerprint else { return settle(number) }
    guard let now = SourceFiles.fingerprint(of: file.path, previous: present[number] ?? before).fingerprint else {
      if goneAt[number] == nil { goneAt[number] = patches }
      return settle(number)
    }
    if goneAt[number] == patches { goneAt[number] = nil }
    present[number] = now
    if now.sameContent(as: before) && goneAt[number] == nil { settle(number) } else { files.insert(number) }
  }

  /// A file is again what runs. If that could not be loaded before, others may have been rejected because of it.
  private func settle(_ number: Int) {
    files.remove(number)
    if rejected[number] != nil { rejected = [:] }
  }

  /// Watches the files that are loaded by now. Those that are new here: they may have changed since.
  @discardableResult private func watch() -> Set<Int> {
    guard watchedVersion != follower.version else { return [] }
    watchedVersion = follower.version
    if watcher == nil {
      let watcher = Watcher()
      watcher.watch(
        trace: LoadTrace(), rules: WatchRules(libraryDirectories: []), roots: [], patterns: RespawnPatterns())
      self.watcher = watcher
    }
    let changed = follower.takeChanged()
    let now = changed.filter { follower.files[$0].isLoaded && follower.minds($0) }
    let new = now.subtracting(watched)
    for number in new {
      byPath[follower.files[number].path] = number
      if follower.files[number].fingerprint == nil {
        follower.adoptFingerprint(of: number)
      }
    }
    watcher!.watch(
      more: new.map { number in
        let file = follower.files[number]
        return .began(
          file: file.path, key: file.key, requester: "", line: 0, fingerprint: file.fingerprint ?? .none)
      })
    watched.subtract(changed.subtracting(now))
    watched.formUnion(new)
    return new
  }

  // MARK: What has come of a patch

  /// These files were loaded again, together with what the patch has staged.
  func took(_ patched: Set<Int>, by transaction: Transaction) {
    patches += 1
    rejected = [:]
    for file in patched { goneAt[file] = nil }
    for file in files { isAsLoaded(file, by: transaction) ? settle(file) : compare(file) }
  }

  /// Whether a patch has loaded what the file is now: what is saved after a load, the kernel tells.
  private func isAsLoaded(_ file: Int, by transaction: Transaction) -> Bool {
    guard transaction.isStaged(file), watcher?.polls == false, let loaded = follower.files[file].fingerprint,
      loaded != Fingerprint.none
    else { return false }
    present[file] = loaded
    return true
  }

  /// These files could not be loaded as they were, for lack of the files `attempted` perhaps.
  func reject(_ states: [(Int, Fingerprint)], _ failure: LoadFailure?, attempted: [String]) {
    for (file, state) in states { rejected[file] = state }
    if let failure { expect(failure) }
    watcher?.watch(more: attempted.map { .missing(path: $0) })
  }

  /// A file that could not be found may come to be.
  private func expect(_ failure: LoadFailure) {
    guard failure.message.hasPrefix("Can't locate "),
      let key = failure.message.dropFirst(13).split(separator: " ").first
    else { return }
    let places = Perl.includeDirectories().compactMap { $0 }
    watcher?.watch(
      more: places.map { .missing(path: absolute("\($0)/\(key)", relativeTo: WorkingDirectory.path)) })
  }
}
