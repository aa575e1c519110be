import CLinux
import FileWatching
import PerlRuntime
public import ReloadModel
import SourceFiles

/// Patches the interpreter it runs in: what `Nacre->check` and `Nacre->reload` do. Each interpreter of a process has its
/// own.
public final class Patcher {
  let follower: LoadFollower
  private var watcher: Watcher?
  /// The version of the follower's files that the watcher knows.
  private var watchedVersion = -1
  private var watched: Set<Int> = []
  private var byPath: [String: Int] = [:]
  /// Files that differ from what runs.
  private var differing: Set<Int> = []
  /// Those whose present content could not be loaded or was refused.
  private var rejected: [Int: Fingerprint] = [:]
  /// A patch had to wait for code that was running, or was asked for by name.
  private var forced: Set<Int> = []
  private var graves: [String: Int] = [:]
  private lazy var table = StashTable(follower)
  /// What was asked for in any interpreter of this process and of those that are forked from it, and how much of it is known here.
  private let asks: SharedAsks?
  private var knownAsks = 0
  /// Who patches, in all of them; the place of this interpreter, and how often it has taken new code, counted from 1.
  let roll: SharedRoll?
  private var place = RollPlace.unknown
  private var generation = 1
  /// The patch that runs.
  private var transaction: Transaction?

  /// That of the current interpreter.
  static var current: Patcher? {
    cp_patcher().map { Unmanaged<Patcher>.fromOpaque($0).takeUnretainedValue() }
  }

  private init(ownDirectory: String, scripts: Set<String>) {
    follower = LoadFollower(ownDirectory: ownDirectory, scripts: scripts)
    asks = SharedAsks()
    roll = SharedRoll()
  }

  /// For a clone of the interpreter. It watches by itself from its next check on.
  private init(cloning parent: Patcher) {
    follower = LoadFollower(cloning: parent.follower)
    differing = parent.differing
    rejected = parent.rejected
    present = parent.present
    graves = parent.graves
    (asks, knownAsks) = (parent.asks, parent.knownAsks)
    (roll, generation) = (parent.roll, parent.generation)
    // What the parent is in the middle of is half done in the clone.
    forced = parent.forced.union(parent.transaction?.staged ?? [])
  }

  deinit {
    if case .taken(let place) = place { roll?.leave(place) }
  }

  /// Begins to follow what is loaded. Nacre's own Perl files, in this directory, are never watched. What the scripts make
  /// is held by somebody.
  public static func start(ownDirectory: String, scripts: Set<String>) {
    guard current == nil else { return }
    let patcher = Patcher(ownDirectory: ownDirectory, scripts: scripts)
    let life = cp_patcher_life(
      clones: { parent in
        Unmanaged.passRetained(Patcher(cloning: Unmanaged<Patcher>.fromOpaque(parent).takeUnretainedValue())).toOpaque()
      }, ends: { Unmanaged<Patcher>.fromOpaque($0).release() })
    withUnsafePointer(to: LoadFollower.observer) { observer in
      withUnsafePointer(to: life) { cp_patch_follow(Unmanaged.passRetained(patcher).toOpaque(), observer, $0) }
    }
    cp_hook_compiled()
    patcher.follower.adopt()
  }

  /// Brings what has changed on disk to life; nil if nothing has.
  public static func check() -> PatchReport? {
    guard let current, let files = current.pending() else { return nil }
    return current.patch(files)
  }

  /// What has changed on disk, for hosts that choose; nil if nothing is new since the last patch.
  public static func changed() -> [PendingFile]? {
    guard let current, let files = current.pending() else { return nil }
    let follower = current.follower
    return files.sorted().map { number in
      let file = follower.files[number]
      return PendingFile(
        key: file.key, path: file.path, isNew: current.forced.contains(number) || current.isNews(number),
        isLibrary: !follower.isWatched(number), isAsked: follower.asked[file.key] ?? false)
    }
  }

  /// The keys of the files that differ from what runs.
  public static var differingKeys: [String] {
    guard let current else { return [] }
    return current.differing.map { current.follower.files[$0].key }.sorted()
  }

  /// Brings these of the changed files to life. Those that are loaded by name are looked for in `@INC` again.
  public static func patch(_ keys: [String], byName: Bool) -> PatchReport? {
    guard let current, current.transaction == nil else { return nil }
    let asked = Set(keys.compactMap { current.follower.numbers[$0] })
    let files = current.differing.union(current.forced).intersection(asked)
    guard !files.isEmpty else { return nil }
    for file in files { current.follower.claim(file) }
    return current.patch(files, byName: byName)
  }

  /// Has these files count as changed. Those among them that are loaded.
  public static func force(_ keys: [String]) -> [String] {
    guard let current, current.transaction == nil else { return [] }
    current.follower.adopt()
    let loaded = keys.filter { key in current.follower.numbers[key].map { current.follower.files[$0].isLoaded } ?? false
    }
    current.forced.formUnion(loaded.map { current.follower.numbers[$0]! })
    return loaded
  }

  /// Changes in perl's own library directories count, too.
  public static func mindLibraries() {
    guard let current else { return }
    current.follower.mindsLibraries = true
    current.follower.noteAllChanged()
    current.watchedVersion = -1
  }

  /// Loads these modules again, changed or not; nil if none of them is loaded.
  public static func reload(_ keys: [String]) -> PatchReport? {
    guard let current, current.transaction == nil else { return nil }
    current.follower.adopt()
    current.forced.formUnion(
      keys.compactMap { current.follower.numbers[$0] }.filter { current.follower.files[$0].isLoaded })
    return check()
  }

  /// Whether changes of a file are to be watched, whatever directory it is in; in each interpreter from its next check on.
  public static func setWatched(_ key: String, _ isWatched: Bool) {
    guard let current else { return }
    current.asks?.add(key, isWatched)
    current.note(key, isWatched)
  }

  private func note(_ key: String, _ isWatched: Bool) {
    follower.asked[key] = isWatched
    watchedVersion = -1
    follower.noteAsked(key)
    if !isWatched, let number = follower.numbers[key] { differing.remove(number) }
  }

  /// How this process sees changes: `inotify`, or `stat` where the system gives no inotify.
  public static var means: String {
    guard let current else { return "" }
    current.watch()
    return current.watcher!.polls ? "stat" : "inotify"
  }

  /// The text that a helper of `Nacre::Patching` gives for a word.
  static func ask(_ method: String, _ word: String) -> String {
    if case .returned(let value) = Perl.call(method: method, of: "Nacre::Patching", [word]) { return value.text }
    return ""
  }

  /// The files that have changed, if that is news.
  private func pending() -> Set<Int>? {
    guard transaction == nil else { return nil }
    if cp_was_forked() {
      // The queue of events is the parent's, and so is the place.
      place = .unknown
      watcher = nil
      watchedVersion = -1
      watched = []
      follower.noteAllChanged()
    }
    if case .unknown = place { place = roll?.take(generation: generation).map { .taken($0) } ?? .missing }
    follower.adopt()
    if let asks, asks.end != knownAsks {
      for ask in asks.read(from: &knownAsks) { note(ask.key, ask.isWatched) }
    }
    let looked = look()
    guard looked || !forced.isEmpty else { return nil }
    let changed = differing.union(forced)
    return !forced.isEmpty || differing.contains(where: isNews) ? changed : nil
  }

  private func patch(_ files: Set<Int>, byName: Bool = false) -> PatchReport {
    // What the look before has seen. If a file has been saved since, the next look sees that, and tries again.
    let states = files.map {
      ($0, present[$0] ?? SourceFiles.fingerprint(of: follower.files[$0].path).fingerprint ?? .none)
    }
    let transaction = Transaction(table, follower, graves: graves, byName: byName)
    self.transaction = transaction
    let report = transaction.run(files)
    self.transaction = nil
    graves = transaction.graves
    if report.isDone { generation += 1 }
    if case .taken(let place) = place {
      roll?.note(.init(report), generation: generation, at: Clock.wallNanoseconds() / 1_000_000_000, place)
    }
    if report.isDone {
      rejected = [:]
      for file in files { goneAt[file] = nil }
      for file in differing { isAsLoaded(file, by: transaction) ? settle(file) : compare(file) }
      forced.subtract(files)
    } else if report.waiting.isEmpty {
      for (file, state) in states { rejected[file] = state }
      forced.subtract(files)
      if let failure = report.failure { expect(failure) }
      watcher?.watch(more: transaction.attempted.map { .missing(path: $0) })
    } else {
      forced.formUnion(files)
    }
    return report
  }

  /// Whether a patch has loaded what the file is now: what is saved after a load, the kernel tells.
  private func isAsLoaded(_ file: Int, by transaction: Transaction) -> Bool {
    guard transaction.isStaged(file), watcher?.polls == false, let loaded = follower.files[file].fingerprint,
      loaded != Fingerprint.none
    else { return false }
    present[file] = loaded
    return true
  }

  private func isNews(_ file: Int) -> Bool {
    guard let before = rejected[file], let now = present[file] else { return true }
    return !before.sameContent(as: now)
  }

  /// What was seen of the differing files last.
  private var present: [Int: Fingerprint] = [:]

  /// The generations in which files were seen to be gone. One that comes back is loaded again, whatever is in it, if there has
  /// been a patch meanwhile: another file (its own, renamed) may have taken the place of what it defines elsewhere.
  private var goneAt: [Int: Int] = [:]

  /// Finds out which files differ from what runs. False if nothing has happened since the last time.
  private func look() -> Bool {
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
    guard !touched.isEmpty else { return !differing.isEmpty }
    for file in touched.union(differing) { compare(file) }
    return true
  }

  private func compare(_ number: Int) {
    let file = follower.files[number]
    guard file.isLoaded, follower.minds(number), let before = file.fingerprint else { return settle(number) }
    guard let now = SourceFiles.fingerprint(of: file.path, previous: present[number] ?? before).fingerprint else {
      if goneAt[number] == nil { goneAt[number] = generation }
      return settle(number)
    }
    if goneAt[number] == generation { goneAt[number] = nil }
    present[number] = now
    if now.sameContent(as: before) && goneAt[number] == nil { settle(number) } else { differing.insert(number) }
  }

  /// A file is again what runs. If that could not be loaded before, others may have been rejected because of it.
  private func settle(_ number: Int) {
    differing.remove(number)
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
