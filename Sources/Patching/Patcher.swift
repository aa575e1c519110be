import PerlRuntime
public import ReloadModel
import SourceFiles

/// Patches the interpreter it runs in: what `Nacre->check` and `Nacre->reload` do. Each interpreter of a process has its
/// own.
public final class Patcher {
  let follower: LoadFollower
  private let differences: DiskDifferences
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
    differences = DiskDifferences(follower)
    asks = SharedAsks()
    roll = SharedRoll()
  }

  /// For a clone of the interpreter.
  private init(cloning parent: Patcher) {
    follower = LoadFollower(cloning: parent.follower)
    differences = DiskDifferences(follower, like: parent.differences)
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
        key: file.key, path: file.path, isNew: current.forced.contains(number) || current.differences.isNews(number),
        isLibrary: !follower.isWatched(number), isAsked: follower.asked[file.key] ?? false)
    }
  }

  /// The keys of the files that differ from what runs.
  public static var differingKeys: [String] {
    guard let current else { return [] }
    return current.differences.files.map { current.follower.files[$0].key }.sorted()
  }

  /// Brings these of the changed files to life. Those that are loaded by name are looked for in `@INC` again.
  public static func patch(_ keys: [String], byName: Bool) -> PatchReport? {
    guard let current, current.transaction == nil else { return nil }
    let asked = Set(keys.compactMap { current.follower.numbers[$0] })
    let files = current.differences.files.union(current.forced).intersection(asked)
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
    current.differences.chooseAgain()
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
    differences.chooseAgain()
    follower.noteAsked(key)
    if !isWatched, let number = follower.numbers[key] { differences.dismiss(number) }
  }

  /// How this process sees changes: `inotify`, or `stat` where the system gives no inotify.
  public static var means: String {
    guard let current else { return "" }
    return current.differences.polls ? "stat" : "inotify"
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
      // The place is the parent's.
      place = .unknown
      differences.startOver()
    }
    if case .unknown = place { place = roll?.take(generation: generation).map { .taken($0) } ?? .missing }
    follower.adopt()
    if let asks, asks.end != knownAsks {
      for ask in asks.read(from: &knownAsks) { note(ask.key, ask.isWatched) }
    }
    let looked = differences.look()
    guard looked || !forced.isEmpty else { return nil }
    return !forced.isEmpty || differences.isNews ? differences.files.union(forced) : nil
  }

  private func patch(_ files: Set<Int>, byName: Bool = false) -> PatchReport {
    // What the look before has seen. If a file has been saved since, the next look sees that, and tries again.
    let states = files.map { ($0, differences.state(of: $0)) }
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
      differences.took(files, by: transaction)
      forced.subtract(files)
    } else if report.waiting.isEmpty {
      differences.reject(states, report.failure, attempted: transaction.attempted)
      forced.subtract(files)
    } else {
      forced.formUnion(files)
    }
    return report
  }
}
