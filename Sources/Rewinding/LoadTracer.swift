import CLinux
import Glibc
import PerlRuntime
import ProcessProtocol
import ReloadModel
import SourceFiles

/// Follows a load: turns what perl's hooks tell into trace events, and sends them to `nacre`.
///
/// Invariant: `position` is the number of events that `nacre` has of this load when everything pending is flushed; a
/// forked candidate inherits it together with all the memory, so it counts on from its checkpoint.
final class LoadTracer {
  /// What this process follows.
  enum Mode { case nothing, load, service }
  private(set) var mode = Mode.nothing
  private var settings: RunSettings?
  /// Nacre's own Perl files are never watched.
  private let ownDirectory: String

  /// The loads that have begun and not ended, the outermost first.
  private var open: [OpenLoad] = []
  private var lastLoad: UInt32 = 0
  private var pending: [TraceEvent] = []
  /// What has been recorded, so that it is recorded once.
  private var recorded = EventMemory()
  private(set) var position = 0
  /// The files that were about to be read and the directories about to be listed: the first time is what counts.
  var neared: Set<String> = []
  /// Whether the files of the `%INC` keys that were asked for again are watched: `["strict.pm": false]`.
  private var watchedKeys: [String: Bool] = [:]
  /// What this worker has written and told of.
  var toldWrites: Set<String> = []

  var spacing = CheckpointSpacing(plan: .first(maximum: 0))
  /// When the load began, in microseconds; the time for which it was suspended does not count.
  var loadBegan: UInt64 = 0
  /// The file before which the checkpoint stands that the next save leads to, most likely.
  var hottest: String?
  /// The timers that were running when the last checkpoint was left.
  var timers = OpenResources.Timers()
  /// What was opened that a fork shares, and the file during whose load that was.
  var shared: [(number: Int32, file: String)] = []
  var threadFailure: LoadFailure?
  /// What has taken time in this process, and when it went on from its checkpoint.
  var timeline = Timeline()
  var resumed: UInt64 = 0
  /// What this process has done with files.
  var deeds = FileDeeds()
  /// What is loaded before the application asks for it.
  var preload = Preload.none

  private struct OpenLoad {
    var id: UInt32
    var key: String
    var requester: String
    var line: UInt32
    /// The file, once known: an `@INC` hook may decide it only after the search has begun.
    var file: String?
    var isWatched = false
    var before: Fingerprint?
    var began: UInt64
    /// The lowest free descriptor then: the same at the end, unless the load has left something open.
    var lowestFree: Int32
  }

  init() {
    ownDirectory = Perl.includeDirectories().last.flatMap { $0 } ?? ""
  }

  /// Tells the hooks whom to tell, before any of the application is compiled.
  func begin(settings: RunSettings) {
    self.settings = settings
    let observer = cp_load_observer(
      begins: { name, count, isDo, file, line in
        LoadTracer.current.begins(
          LoadTracer.current.path(name, count), isDo: isDo, file: String(cString: file), line: line)
      },
      ends: { LoadTracer.current.ends($0, loaded: true) },
      fails: { LoadTracer.current.ends($0, loaded: false) },
      nears: {
        LoadTracer.current.nears(String(decoding: UnsafeRawBufferPointer(start: $0, count: $1), as: UTF8.self))
      },
      opens: { LoadTracer.current.opens(LoadTracer.current.path($0, $1), error: $2) },
      writes: { LoadTracer.current.writes(LoadTracer.current.path($0, $1)) },
      lists: { LoadTracer.current.lists(LoadTracer.current.path($0, $1), error: $2) },
      globs: { LoadTracer.current.globs(LoadTracer.current.path($0, $1)) },
      tests: { LoadTracer.current.tests(LoadTracer.current.path($0, $1), measures: $2) })
    withUnsafePointer(to: observer) { cp_set_observer($0) }
  }

  private static var current: LoadTracer { HostProcess.current!.tracer }

  /// What perl had loaded before Nacre; what is not watched as perl's own.
  func adopted() -> [TraceEvent] {
    Perl.loadedFiles().compactMap { key, path in
      let file = WorkingDirectory.absolute(path)
      guard isWatched(file) else { return .library(file: file, key: key, microseconds: 0) }
      guard let fingerprint = SourceFiles.fingerprint(of: file).fingerprint else { return nil }
      return .began(file: file, key: key, requester: "", line: 0, fingerprint: fingerprint)
    }
  }

  /// Begins to follow the load of the application.
  func follow() {
    mode = .load
    loadBegan = Clock.microseconds()
    cp_hold_hash_order()
    noteEnvironment()
    cp_observe(true, CP_ALL_FILES)
  }

  /// In a candidate: what `nacre` wants of this load. The time for which the process was suspended (in microseconds)
  /// is nobody's load time.
  func resume(_ plan: LoadPlan, after suspended: UInt64) {
    for index in open.indices {
      open[index].began += suspended
      // Saved again with the same content while this process was suspended: that says nothing about what perl reads.
      guard let file = open[index].file, let before = open[index].before,
        let now = SourceFiles.fingerprint(of: file).fingerprint, now.sameContent(as: before)
      else { continue }
      open[index].before = now
    }
    loadBegan += suspended
    // A rewind goes on in the order in which its load was begun.
    if !plan.preload.isNatural {
      preload = Preload(asks: PreloadAsks(plan.preload), collects: plan.isTrial)
    } else {
      preload.collects = plan.isTrial
    }
    spacing = CheckpointSpacing(plan: plan, inherited: spacing.positions)
    hottest = plan.hottest
  }

  /// The load is over; nothing more is followed here.
  func finish() {
    mode = .nothing
    cp_observe(false, CP_NO_FILES)
    open = []
  }

  /// In a worker: files that are loaded while it serves are followed, those that it writes, and Perl source that it reads.
  func serve() {
    mode = .service
    cp_release_hash_order()
    cp_observe(true, CP_OPENED_FILES)
  }
}

// MARK: Loads

extension LoadTracer {
  private func begins(_ name: String, isDo: Bool, file: String, line: UInt32) -> UInt32 {
    settle()
    let known = isDo ? .no : Perl.loaded(name)
    if known != .no {
      if mode == .load, case .from(let path) = known {
        notesAsk(for: name, at: path)
        noteUse(of: name, at: path, file, line)
      }
      return 0
    }
    var (found, passesHook) = search(name)
    if mode == .load, let file = found.found, isWatched(file), leavesCheckpoint(before: file) {
      // In a candidate that comes out of this checkpoint the disk is another one.
      (found, passesHook) = search(name)
    }
    if !isDo { checkPlace(of: name, found: found.found) }
    // Code in a string eval has no file: perl calls it "(eval 12)". What is preloaded was asked for by nobody.
    let requester = isAskedByPreload ? "" : file.hasPrefix("(") ? file : WorkingDirectory.absolute(file)
    lastLoad += 1
    var load = OpenLoad(
      id: lastLoad, key: name, requester: requester, line: line, began: Clock.microseconds(),
      lowestFree: Descriptors.lowestFree())
    for path in found.missing where isWatched(path) { record(.missing(path: path)) }
    if let path = found.unreadable, isWatched(path) { record(.read(file: path, fingerprint: .none)) }
    // A hook in @INC that perl asks first may give something else: wait for what %INC says.
    if let file = found.found, !passesHook {
      if !isDo { noteEntry(name, file) }
      settle(&load, at: file)
    }
    open.append(load)
    return load.id
  }

  /// Whether whatever is asked for now is the next file of the preload.
  var isAskedByPreload: Bool { preload.asks.isPreloading && open.isEmpty }

  /// Whether it is the application that asks now, or what Nacre does for it: not a library.
  var isAskedByApplication: Bool { open.last?.isWatched ?? !preload.asks.isPreloading }

  /// Whether a worker loads a file of the application, in a request: what such a load reads counts as in the load before.
  var isLoadingLazily: Bool { mode == .service && open.contains(where: \.isWatched) }

  /// A file that was loaded before is asked for again.
  private func noteUse(of key: String, at path: String, _ file: String, _ line: UInt32) {
    // Every `use strict` comes by here.
    let matters = watchedKeys[key] ?? isWatched(WorkingDirectory.absolute(path))
    watchedKeys[key] = matters
    guard matters, !file.hasPrefix("("), !isAskedByPreload else { return }
    record(.used(key: key, requester: WorkingDirectory.absolute(file), line: line))
  }

  /// Notes which file the load reads.
  private func settle(_ load: inout OpenLoad, at path: String) {
    let file = WorkingDirectory.absolute(path)
    load.file = file
    // A worker that compiles templates to Perl, writes that to a cache and loads it depends on the template alone.
    load.isWatched = isWatched(file) && !(mode == .service && deeds.hasWritten(file))
    guard load.isWatched, let fingerprint = SourceFiles.fingerprint(of: file).fingerprint else { return }
    load.before = fingerprint
    // No file is younger than a fresh start (`-M`).
    if mode == .service, fingerprint.modified / 1_000_000_000 > cp_start_time() { cp_reset_start_time() }
    // If it is written again from here on, that is news.
    recorded.forget(.written(path: file))
    record(
      .began(file: file, key: load.key, requester: load.requester, line: load.line, fingerprint: fingerprint),
      always: true)
    flush()
  }

  /// The innermost load whose file an `@INC` hook decided: perl has written it to `%INC` before it compiles it.
  func settle() {
    guard let index = open.indices.last, open[index].file == nil, case .from(let path) = Perl.loaded(open[index].key)
    else { return }
    settle(&open[index], at: path)
  }

  private func ends(_ id: UInt32, loaded: Bool) {
    guard let index = open.lastIndex(where: { $0.id == id }) else { return }
    settle()
    var line: UInt32 = 0
    // `exit` leaves every scope, too.
    let isLoaded = (loaded || hasLoaded(open[index].key)) && cp_exit_location(&line) == nil
    for load in open[index...].reversed() { close(load, loaded: isLoaded && load.id == id) }
    open.removeSubrange(index...)
    flush()
  }

  /// Below a callback (`tie`, `sort`, an `@INC` hook) perl runs a file's code within the op that compiles it, so that
  /// its end is not seen there: then `%INC` tells.
  private func hasLoaded(_ key: String) -> Bool {
    if case .from = Perl.loaded(key) { true } else { false }
  }

  private func close(_ load: OpenLoad, loaded: Bool) {
    guard let file = load.file else { return }
    let time = Clock.microseconds() - load.began
    if mode == .load { noteSpan(load.isWatched ? .source : .library, file, since: load.began) }
    if load.isWatched {
      if let before = load.before, !isUnchanged(file, since: before) {
        // Two states in one load: whichever perl has read, this trace never equals the disk, and the candidate is void.
        var other = before
        other.hash = ~before.hash
        record(.read(file: file, fingerprint: other))
      }
      record(.ended(file: file, loaded: loaded, microseconds: time), always: true)
    } else if loaded {
      record(.library(file: file, key: load.key, microseconds: time))
    }
    if load.key == "File/Glob.pm" { cp_hook_file_glob() }
    guard mode == .load else { return }
    noteThreads(file)
    noteShared(file, since: load.lowestFree)
  }

  /// Whether the file is what it was when its load began. An equal content is not enough: it may have been another one
  /// in between.
  private func isUnchanged(_ file: String, since before: Fingerprint) -> Bool {
    guard let now = SourceFiles.fingerprint(of: file, previous: before).fingerprint else { return false }
    return now.sameContent(as: before) && now.inode == before.inode && now.modified == before.modified
  }

  func isWatched(_ path: String) -> Bool {
    !WatchRules.contains(ownDirectory, path) && settings!.rules.isWatched(path)
  }
}

// MARK: Recording

extension LoadTracer {
  func record(_ event: TraceEvent, always: Bool = false) {
    guard always || recorded.takes(event) else { return }
    pending.append(event)
    position += 1
    if pending.count >= 100 { flush() }
  }

  /// Sends what has been recorded. Done whenever a file begins or ends, so that `nacre` knows where a process was
  /// when it fell or hung.
  func flush() {
    guard !pending.isEmpty, let host = HostProcess.current else { return }
    host.channel.send(.trace(pending))
    pending.removeAll(keepingCapacity: true)
  }

  /// Whether the load is about to read source that it has written itself, or is doing so.
  func loadsOwnWork(_ file: String) -> Bool {
    deeds.hasWritten(file) || open.contains { $0.file.map(deeds.hasWritten) ?? false }
  }
}
