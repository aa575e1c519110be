import FileWatching
import Glibc
import ProcessProtocol
import ReloadModel
import Switchboard

/// What the supervisor knows about the disk: what was touched, whether it is quiet again, and how it differs from what
/// was loaded.
final class Freshness {
  let watcher: Watcher
  /// What every Perl process is told.
  let runSettings: RunSettings
  /// Whether changes lead to reloads by themselves.
  let isAutomatic: Bool
  /// Whether requests wait until the code is fresh (development).
  let holdsRequests: Bool
  /// When the first of the touches was seen that have not led to anything yet.
  private(set) var touchedAt: UInt64?

  private let patterns: RespawnPatterns
  private let roots: [String]
  private var settling = Settling()
  private var findings = Findings.nothing
  private var comparisons = TraceComparisons()
  private var watched: [Int] = []

  init(settings: ServerSettings) {
    isAutomatic = settings.reloads
    holdsRequests = settings.reloads && settings.isDevelopment
    watcher = Watcher()
    let directory = settings.applicationFile.map(parent)
    patterns = RespawnPatterns(
      watch: settings.watch, ignore: settings.ignore, relativeTo: directory ?? absolute("."))
    roots = [directory].compactMap(\.self) + patterns.roots
    runSettings = RunSettings(
      application: settings.application, includeDirectories: settings.includeDirectories, modules: settings.modules,
      environment: settings.environment, looksBeforeRequests: holdsRequests,
      rules: WatchRules(
        libraryDirectories: settings.perl.libraryDirectories + [settings.perlLibrary],
        watchedDirectories: patterns.roots),
      spoolDirectory: ServerSettings.spoolDirectory)
  }

  /// What the Perl processes poll before a request; -1 if they need not.
  var inheritedDescriptor: Int32 { holdsRequests ? watcher.descriptor : -1 }

  /// Whether everything that was touched has been looked at.
  var isQuiet: Bool { settling.readyAt == nil }

  /// When to look; nil if there is nothing to look at.
  var settlesAt: UInt64? { settling.readyAt }

  /// Reads what the kernel has queued, without blocking.
  func drain(at now: UInt64) {
    var new = watcher.drain()
    if watcher.polls { new.merge(watcher.poll()) }
    guard isAutomatic, !new.isNothing else { return }
    comparisons.note(new)
    findings.merge(new)
    settling.note(at: now, writersAtWork: new.writersAtWork)
    if touchedAt == nil { touchedAt = now }
  }

  /// The burst is over: the respawn pattern files that differ. Nil if it is not over.
  func settled(at now: UInt64) -> [String]? {
    guard settling.isReady(at: now) else { return nil }
    settling.examined()
    let files = findings.everything ? nil : findings.patternFiles
    findings = .nothing
    return watcher.changedPatternFiles(among: files).sorted()
  }

  /// Whether a file calls for new workers when it changes, though no load has read it.
  func isRespawnPattern(_ path: String) -> Bool { patterns.matches(path) && roots.contains { contains($0, path) } }

  private func contains(_ directory: String, _ path: String) -> Bool {
    path == directory || path.hasPrefix(directory == "/" ? "/" : directory + "/")
  }

  /// What was touched has led to something.
  func resolved() { touchedAt = nil }

  /// Somebody asked for a reload.
  func demanded(at now: UInt64) { if touchedAt == nil { touchedAt = now } }

  // MARK: Looking

  /// Watches everything that the machine's traces depend on.
  func watch(_ machine: GenerationMachine) {
    let lazily =
      (machine.running?.lazily ?? []) + (machine.candidate?.generation.trace.events ?? [])
      + (machine.candidate?.generation.lazily ?? []) + (machine.unwanted?.trace.events ?? [])
      + (machine.unwanted?.lazily ?? []) + machine.baseTrace.events
    // The sizes tell whether anything is new since the last call, for traces only grow or are replaced.
    let sizes = [
      Int(machine.running?.number ?? 0), machine.running?.trace.events.count ?? 0, machine.running?.lazily.count ?? 0,
      machine.candidate.map { Int($0.process.number) } ?? 0, lazily.count, machine.restless.count,
    ]
    guard sizes != watched else { return }
    watched = sizes
    watcher.watch(
      trace: machine.running?.trace ?? LoadTrace(), lazily: lazily, rules: runSettings.rules, roots: roots,
      patterns: patterns)
  }

  /// A candidate is about to be forked.
  func begin(_ machine: GenerationMachine) {
    guard let candidate = machine.candidate else { return }
    comparisons.begin(candidate.generation, after: machine.running, restless: machine.restless.count)
  }

  /// Compares with the disk what the machine asks about.
  func look(_ subject: GenerationMachine.Subject, _ machine: GenerationMachine) -> GenerationMachine.Findings {
    defer {
      comparisons.keep(only: [
        machine.running?.loader, machine.candidate?.process, machine.unwanted?.loader, machine.baseProcess,
      ])
    }
    switch subject {
    case .candidate:
      guard let generation = machine.candidate?.generation else { return .candidate(.none) }
      return .candidate(difference(generation, machine, isTrigger: false))
    case .pin:
      return .pin(
        (machine.candidate?.generation ?? machine.running).map { difference($0, machine, isTrigger: false) } ?? .none,
        former: machine.unwanted.map { difference($0, machine, isTrigger: false) } ?? .none)
    case .running, .additions:
      let everything = subject == .running
      return .running(
        machine.running.map { difference($0, machine, everything: everything) } ?? .none,
        rejected: machine.unwanted.map { difference($0, machine, everything: everything) } ?? .none,
        base: machine.baseProcess.map {
          difference(Generation(number: 0, loader: $0, trace: machine.baseTrace), machine, everything: everything)
        } ?? .none)
    }
  }

  private func difference(
    _ generation: Generation, _ machine: GenerationMachine, isTrigger: Bool = true, everything: Bool = false
  ) -> Difference {
    relevant(
      comparisons.changes(
        generation.loader, generation.trace, generation.lazily, restless: machine.restless.count,
        everything: everything || watcher.polls || !isAutomatic),
      isTrigger: isTrigger, isPinned: machine.pin != nil || machine.candidate?.pin != nil)
  }

  /// Files that the user wants ignored start no reload, and make no candidate void; but a reload takes everything.
  private func relevant(_ changes: Changes, isTrigger: Bool, isPinned: Bool) -> Difference {
    let counting = changes.all.filter { !patterns.ignores($0.path) }
    guard !counting.isEmpty else { return .none }
    let all = isTrigger ? changes.all : counting
    return Difference(
      files: all.map(\.path), position: all.compactMap(\.position).min(), digest: isPinned ? digest(of: counting) : 0)
  }
}
