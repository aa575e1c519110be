import CLinux
import Glibc
import PerlRuntime
import ReloadModel
import SourceFiles

/// Knows every file that perl has loaded, in load order: by following the loads, and from `%INC` for what was loaded
/// before or out of sight.
final class LoadFollower {
  /// Every file that was ever loaded; a file keeps its number.
  var files = SourceRecords()
  /// `["My/App.pm": 3]`.
  private(set) var numbers: [String: Int] = [:]
  /// By the name that perl has for it: `["lib/My/App.pm": 3]`.
  private(set) var byName: [String: Int] = [:]
  /// Grows whenever a name stands for another file.
  private(set) var namesVersion = 0
  /// The files in the order in which a fresh start would begin to load them.
  private(set) var order: [Int] = []
  /// What they have compiled from texts.
  private(set) var evals = EvalRanges()
  /// The files whose load has ended since this was emptied.
  private(set) var ended: [Int] = []
  /// Whether a patch is loading files.
  private(set) var isPatching = false
  /// Grows whenever a file is loaded.
  var version = 0

  let rules: WatchRules
  /// Modules that a person has asked to watch or not to: they overrule where their files lie.
  var asked: [String: Bool] = [:]
  /// Files of libraries that were loaded again.
  var claimed: Set<Int> = []
  /// Whether changes in perl's own library directories matter.
  var mindsLibraries = false
  /// The script that is being compiled; -1 if none is.
  private var script: Int32 = -1
  let ownDirectory: String
  /// What is known of whether files are watched.
  var watchedOrNot: [Bool?] = []
  /// As perl names them.
  private let scripts: Set<String>
  private var knownKeys = 0
  private var open: [OpenLoad] = []
  private var lastLoad: UInt32 = 0

  private struct OpenLoad {
    var id: UInt32
    var file: Int
    var evals: UInt32
    var directory: String
    var began: Int64
    /// Whether `%INC` had the key before.
    var wasThere: Bool
    /// What others have put into its package, before and while they were loaded for it.
    var given: Set<String>
    /// What the package of the file that asks for it had from others before.
    var askersBefore: Set<String>
  }

  init(ownDirectory: String, scripts: Set<String>) {
    self.ownDirectory = realPath(of: ownDirectory) ?? ownDirectory
    self.scripts = scripts
    var libraries: [String] = []
    var next = cp_library_directories()
    while let directory = next.pointee {
      let path = String(cString: directory)
      libraries += [path, realPath(of: path) ?? path]
      next += 1
    }
    // Debian's perl-base lies beside archlib.
    libraries += Perl.includeDirectories().compactMap { $0 }.filter { $0.hasSuffix("/perl-base") }
    rules = WatchRules(libraryDirectories: libraries)
  }

  /// For a clone of the interpreter: all that is known of its files. The loads that go on are the parent's.
  init(cloning parent: LoadFollower) {
    files = parent.files
    files.forget(restoring: false)
    files.changed = Set(files.indices)
    numbers = parent.numbers
    byName = parent.byName
    order = parent.order
    evals = parent.evals
    version = parent.version
    rules = parent.rules
    asked = parent.asked
    mindsLibraries = parent.mindsLibraries
    claimed = parent.claimed
    ownDirectory = parent.ownDirectory
    scripts = parent.scripts
    knownKeys = parent.open.isEmpty ? parent.knownKeys : -1
    lastLoad = parent.lastLoad
    for number in files.indices { files[number].isInherited = files[number].isLoaded }
  }

  /// What the hooks tell, for the patcher of the interpreter that they run in.
  static let observer = cp_load_observer(
    begins: { name, count, isDo, _, _ in
      Patcher.current?.follower.begins(text(name, count), isDo: isDo) ?? 0
    },
    ends: { Patcher.current?.follower.ends($0) },
    fails: { Patcher.current?.follower.ends($0) },
    nears: { _, _ in }, opens: { _, _, _ in }, writes: { _, _ in }, lists: { _, _, _ in }, globs: { _, _ in },
    tests: { _, _, _ in })

  /// Takes in the files of `%INC` whose load nobody has followed.
  func adopt() {
    let count = cp_inc_count()
    guard count != knownKeys, open.isEmpty else { return }
    knownKeys = count
    for (key, path) in Perl.loadedFiles().sorted(by: { $0.key < $1.key }) {
      if let number = numbers[key], files[number].isLoaded { continue }
      // A class that was made by a call: there is no file.
      if path.hasPrefix("(set by ") { continue }
      let number = self.number(of: key)
      files[number].isLoaded = true
      locate(number, path, in: WorkingDirectory.path)
      guard minds(number) else { continue }
      adoptFingerprint(of: number)
      version += 1
    }
  }

  /// Takes a file whose load nobody has followed for what it is now.
  func adoptFingerprint(of number: Int) {
    var fingerprint = SourceFiles.fingerprint(of: files[number].path).fingerprint ?? .none
    // Saved after the process started: what was loaded may be older.
    if fingerprint.modified / 1_000_000_000 > cp_start_time() { fingerprint = .none }
    files[number].fingerprint = fingerprint
  }

  /// These files, in load order.
  func inOrder(_ wanted: Set<Int>) -> [Int] { wanted.count < 2 ? Array(wanted) : order.filter(wanted.contains) }

  /// Whether a server holds what the load of this file has made.
  func isHeld(_ number: Int) -> Bool {
    let file = files[number]
    return file.path.hasSuffix(".psgi") || scripts.contains(file.name) || scripts.contains(file.key)
      || file.key.hasPrefix("/") && file.package?.hasPrefix("Mojo::Server::Sandbox::") ?? false
  }

  /// Whether the load of a file is going on.
  func isOpen(_ number: Int) -> Bool { open.contains { $0.file == number } }

  /// What the package of a file has from others.
  func imports(of number: Int) -> Set<String> {
    files[number].ownPackage.map { StashTable.imports(of: $0) } ?? []
  }

  /// The load of a file was taken back.
  func forget(_ number: Int) {
    files[number].isLoaded = false
    evals.forget(number)
  }

  /// What `%INC` has is known.
  private func recount() { knownKeys = cp_inc_count() }

  /// A file was loaded by its path in the place of its key: what is known of that is known of the file.
  func takeOver(_ number: Int, from path: String) {
    guard let other = numbers[path], other != number else { return }
    files[number].isLoaded = true
    files[number].name = files[other].name
    files[number].fingerprint = files[other].fingerprint
    files[number].imports = files[other].imports
    rename(files[other].name, number)
    evals.give(from: other, to: number)
    files[other].isLoaded = false
    order.removeAll { $0 == other }
    numbers[path] = nil
    path.withCString { cp_inc_delete($0, path.utf8.count) }
  }

  /// A patch begins.
  func beginPatch() {
    isPatching = true
    ended = []
    files.remember()
    evals.remember()
  }

  /// The patch is over; `restoring`: what is known of files is what it was.
  func endPatch(restoring: Bool) {
    isPatching = false
    files.forget(restoring: restoring)
    evals.forget(restoring: restoring)
    recount()
  }

  /// What was known of a file that was loaded when the patch began.
  func before(_ number: Int) -> SourceRecord? { files.remembered(number).flatMap { $0.isLoaded ? $0 : nil } }

  /// Whoever asks next what has changed is told of all files.
  func noteAllChanged() { files.changed = Set(files.indices) }

  /// The numbers of the files of which something has changed since this was asked.
  func takeChanged() -> Set<Int> {
    defer { files.changed = [] }
    return files.changed
  }
}

extension LoadFollower {
  /// What is compiled from now on belongs to a script: it is never loaded, but what it mentions is known.
  func beginScript(_ name: String) {
    let number = self.number(of: name)
    files[number].isScript = true
    cp_forget_mentions(Int32(number))
    script = Int32(number)
    cp_set_mentioning_file(script)
  }

  func endScript() {
    script = -1
    cp_set_mentioning_file(open.last.map { Int32($0.file) } ?? script)
  }

  private func begins(_ name: String, isDo: Bool) -> UInt32 {
    let known = Perl.loaded(name)
    if let asker = open.last?.file, let asked = numbers[name] { files[asker].uses?.insert(asked) }
    guard isDo || known == .no else { return 0 }
    let number = self.number(of: name)
    if let asker = open.last?.file { files[asker].uses?.insert(number) }
    files[number].uses = []
    files[number].isDo = isDo
    files[number].package = String(cString: cp_current_package())
    evals.forget(number)
    if isPatching { cp_set_aside_mentions(Int32(number)) } else { cp_forget_mentions(Int32(number)) }
    cp_set_mentioning_file(Int32(number))
    lastLoad += 1
    open.append(
      OpenLoad(
        id: lastLoad, file: number, evals: cp_eval_count(), directory: WorkingDirectory.path,
        began: Clock.wallNanoseconds(), wasThere: known != .no, given: imports(of: number),
        askersBefore: open.last.map { imports(of: $0.file) } ?? []))
    return lastLoad
  }

  private func ends(_ id: UInt32) {
    guard let index = open.lastIndex(where: { $0.id == id }) else { return }
    for place in (index..<open.count).reversed() {
      close(open[place])
      guard place > 0 else { continue }
      open[place - 1].given.formUnion(imports(of: open[place - 1].file).subtracting(open[place].askersBefore))
    }
    open.removeSubrange(index...)
    cp_set_mentioning_file(open.last.map { Int32($0.file) } ?? script)
  }

  private func close(_ load: OpenLoad) {
    version += 1
    let state = Perl.loaded(files[load.file].key)
    // What was loaded out of sight meanwhile is still to be adopted.
    if !load.wasThere, state != .no { knownKeys += 1 }
    guard case .from(let name) = state else {
      files[load.file].isLoaded = false
      return
    }
    files[load.file].isLoaded = true
    locate(load.file, name, in: load.directory)
    evals.add(load.evals + 1, through: cp_eval_count(), of: load.file)
    ended.append(load.file)
    guard minds(load.file) else { return }
    var fingerprint = SourceFiles.fingerprint(of: files[load.file].path).fingerprint ?? .none
    // Changed while it was being loaded: perl may have read what was there before. A time to come says nothing (clocks differ).
    if fingerprint.modified > load.began && fingerprint.modified <= Clock.wallNanoseconds() { fingerprint = .none }
    files[load.file].fingerprint = fingerprint
    if isWatched(load.file) { files[load.file].imports = imports(of: load.file).subtracting(load.given) }
  }

  private func locate(_ number: Int, _ name: String, in directory: String) {
    files[number].name = name
    let path = absolute(name, relativeTo: name.hasPrefix("/") ? "/" : directory)
    if files[number].path != path, number < watchedOrNot.count { watchedOrNot[number] = nil }
    files[number].path = path
    rename(name, number)
  }

  private func rename(_ name: String, _ number: Int) {
    if byName[name] == number { return }
    byName[name] = number
    namesVersion += 1
  }

  private func number(of key: String) -> Int {
    if let number = numbers[key] { return number }
    files.append(SourceRecord(key: key))
    let number = files.count - 1
    numbers[key] = number
    if isPatching, let asker = open.last?.file, let place = order.firstIndex(of: asker) {
      order.insert(number, at: place + 1)
    } else {
      order.append(number)
    }
    return number
  }
}
