import FileWatching
import Glibc
import ProcessProtocol
import ReloadModel
import SourceFiles
import Switchboard

/// What the supervisor knows about the disk: what was touched, whether it is quiet again, and how it differs from what
/// was loaded.
final class Freshness {
  let watcher: Watcher
  /// What every Perl process is told.
  private(set) var runSettings: RunSettings
  /// What the base and all that came of it run from; nil while there is no base.
  var runtime: RuntimeFiles?
  let trigger: WatchSettings.Trigger
  let pollInterval: UInt64
  /// Whether requests wait until the code is fresh (development).
  let holdsRequests: Bool
  let triggers: ReloadTriggers
  /// When the first of the touches was seen that have not led to anything yet.
  private(set) var touchedAt: UInt64?
  /// Whether any change counts, because a reload is under way or has failed.
  var takesEverything = false
  /// Whether what was found last has led to a reload that is not over: all of it belongs to that reload.
  var isTriggered = false
  /// What the touch file lists, for the reload that it asks for.
  var touchList: ModulePatterns?
  /// What the running generation's paths mean to perl.
  var names = ModuleNames()
  var comparisons = TraceComparisons()
  /// The files that the application itself writes.
  var selfWriting = SelfWriting()
  /// What the running generation's load has loaded, and what it has read, listed and tested besides.
  private(set) var sources: Set<String> = []
  private(set) var readAtLoad: Set<String> = []
  /// What it has written: a log that stays open, say.
  private(set) var writtenAtLoad: Set<String> = []
  /// The application's directory as it was given, and without links, if that is another path.
  let alias: (given: String, real: String)?

  private let roots: [String]
  private var touchFile: TouchFile?
  private var settling = Settling()
  private var findings = Findings.nothing
  var watchedLoads = WatchedLoads()

  init(settings: ServerSettings) {
    let watching = settings.watching
    trigger = watching.trigger
    pollInterval = watching.pollInterval
    holdsRequests = watching.trigger != .manual && settings.isDevelopment
    watcher = Watcher(polling: watching.poll != nil && watching.trigger != .manual)
    if case .touch(let file) = watching.trigger { touchFile = TouchFile(path: absolute(file, relativeTo: "/")) }
    let directory = settings.applicationFile.map { ApplicationFile.directory(of: $0) }
    let real = directory.flatMap { realPath(of: $0) }
    alias = directory.flatMap { given in real.flatMap { $0 == given ? nil : (given, $0) } }
    let patterns = RespawnPatterns(
      watch: watching.watch, ignore: watching.ignore, relativeTo: directory ?? absolute("."))
    triggers = ReloadTriggers(
      modules: watching.modules.isEmpty ? nil : ModulePatterns(watching.modules),
      directories: watching.directories.flatMap {
        [absolute($0, relativeTo: "/"), realPath(of: $0)].compactMap(\.self)
      }, patterns: patterns)
    roots = [directory].compactMap(\.self) + patterns.roots
    var runSettings = RunSettings(
      application: settings.application, includeDirectories: settings.includeDirectories, modules: settings.modules,
      environment: settings.environment, looksBeforeRequests: holdsRequests,
      rules: WatchRules(
        libraryDirectories: settings.perl.libraryDirectories + [settings.perlLibrary],
        watchedDirectories: patterns.roots),
      spoolDirectory: ServerSettings.spoolDirectory, destructs: settings.destructs)
    runSettings.service.keepsAlive = settings.connections.keepsAlive
    runSettings.service.maximumRequests = UInt32(settings.life.maximumRequests)
    runSettings.service.mountPath = settings.mountPath
    runSettings.service.accessLog = settings.accessLog
    runSettings.service.logFormat = settings.logFormat
    runSettings.service.makesRequestIDs = settings.makesRequestIDs
    runSettings.service.trustedProxies = settings.trustedProxies
    runSettings.service.maximumHead = UInt32(settings.limits.head)
    runSettings.service.maximumBody = UInt64(settings.limits.body)
    runSettings.service.responseBuffer = UInt64(settings.limits.responseBuffer)
    self.runSettings = runSettings
  }

  /// Another perl runs the application from now on, and has its libraries elsewhere.
  func follow(_ perl: PerlInstallation, nacres perlLibrary: String) {
    runSettings.rules.libraryDirectories = perl.libraryDirectories + [perlLibrary]
  }

  /// Whether changes lead to reloads by themselves.
  var isAutomatic: Bool { trigger == .changes }

  /// What the Perl processes poll before a request; -1 if they need not.
  var inheritedDescriptor: Int32 { holdsRequests ? watcher.descriptor : -1 }

  /// Whether everything that was touched has been looked at.
  var isQuiet: Bool { settling.readyAt == nil }

  /// When to look; nil if there is nothing to look at.
  var settlesAt: UInt64? { settling.readyAt }

  /// Until when what was examined last may be a part of something larger.
  var isGuessUntil: UInt64 { settling.isGuessUntil }

  /// Reads what the kernel has queued, without blocking, and looks at what is polled.
  func drain(at now: UInt64) {
    if trigger == .manual { return }
    var new = watcher.drain()
    var steps: [SaveStep]? = watcher.takeSteps()
    if watcher.polls {
      new.merge(watcher.poll())
      // What a look finds may have happened in any order.
      (_, steps) = (watcher.takeSteps(), nil)
    }
    if !new.isNothing { note(new, steps, at: now) }
  }

  private func note(_ new: Findings, _ steps: [SaveStep]? = nil, at now: UInt64) {
    comparisons.note(new)
    var new = new
    new.patternFiles.subtract(selfWriting.stopped)
    guard matters(new) else { return }
    findings.merge(new)
    settling.note(at: now, writersAtWork: new.writersAtWork, steps: steps)
    // The first of the many files that a checkout writes looks like one save.
    if settling.isOneSave, let file = steps?.last?.path, VersionControl.isAtWork(above: file) {
      settling.note(at: now, writersAtWork: new.writersAtWork)
    }
    if touchedAt == nil { touchedAt = now }
  }

  /// Whether a reload may come of it. What cannot trigger one makes no request wait.
  private func matters(_ new: Findings) -> Bool {
    if touchFile != nil {
      touchFile!.noteAbsence()
      return touchFile!.isTouched
    }
    if takesEverything || new.everything { return true }
    if !triggers.isSelective { return !new.isNothing }
    return new.touched.union(new.patternFiles).contains { triggers.triggers($0, names: names) }
  }

  /// What a burst of changes was about.
  enum Burst {
    /// Changes of files; these are the respawn pattern files that differ.
    case changes(patternFiles: [String])
    /// The touch file was touched; its first line.
    case touch(list: String)
    /// The touch file was touched, and is gone again or as it was.
    case nothing
  }

  /// The burst is over; nil if it is not.
  func settled(at now: UInt64) -> Burst? {
    guard settling.isReady(at: now) else { return nil }
    settling.examined()
    defer { findings = .nothing }
    if touchFile != nil { return touchFile!.isTouched ? .touch(list: touchFile!.take()) : .nothing }
    let files = watcher.changedPatternFiles(among: findings.everything ? nil : findings.patternFiles)
    return .changes(
      patternFiles: files.subtracting(selfWriting.stopped).filter {
        takesEverything || triggers.triggers($0, names: names)
      }.sorted())
  }

  /// Whether a file calls for new workers when it changes, though no load has read it.
  func isRespawnPattern(_ path: String) -> Bool {
    triggers.patterns.matches(path) && roots.contains { WatchRules.contains($0, path) }
  }

  /// What was touched has led to something.
  func resolved() { touchedAt = nil }

  /// Somebody asked for a reload.
  func demanded(at now: UInt64) { if touchedAt == nil { touchedAt = now } }

  var hasTouchFile: Bool { touchFile != nil }

  /// Watches what these depend on, and nothing else.
  func watch(_ trace: LoadTrace, _ lazily: [TraceEvent]) {
    if let touchFile {
      watchTouchFile(touchFile)
    } else {
      watcher.watch(
        trace: trace, lazily: lazily, rules: runSettings.rules, roots: roots, patterns: triggers.patterns)
    }
  }

  /// Notes what the running generation's load has done, in place of what was known or besides.
  func noteLoad(_ events: some Sequence<TraceEvent>, anew: Bool) {
    if anew { (sources, readAtLoad, writtenAtLoad) = ([], [], []) }
    for event in events {
      switch event {
      case .began(let file, _, _, _, _): sources.insert(file)
      case .read, .listed, .tested, .measured, .missing: readAtLoad.insert(event.path)
      case .written(let path): writtenAtLoad.insert(path)
      case .ended, .library, .used, .entered: break
      }
    }
  }

  private func watchTouchFile(_ file: TouchFile) {
    watcher.watch(
      trace: LoadTrace(), lazily: [.tested(path: file.path, kind: .missing)], rules: WatchRules(libraryDirectories: []),
      roots: [], patterns: RespawnPatterns())
    // It may have been touched before it was watched.
    if file.isTouched { note(Findings(touched: [file.path]), at: EventLoop.clock()) }
  }
}
