import ReloadModel

/// The rules by which generations follow each other: events in, actions out. It knows no descriptors, no clocks and no
/// files, so that every rule can be tested without a process.
///
/// Invariants: there is at most one candidate; a process belongs to the base, the running generation, the candidate, or
/// a kept mold, and an event of any other process means nothing; a checkpoint belongs to every generation whose trace
/// begins with what it has loaded, and is closed with the last of them.
struct GenerationMachine {
  /// What is fixed for the life of the server.
  struct Settings {
    /// Whether a first start that fails waits for the next save.
    var waitsForSaves = true
    /// Whether requests are answered with the failure while there is a rejection.
    var answersWithFailures = true
    /// Whether a change of the disk leads to a reload by itself.
    var isAutomatic = true
    var workers = 5
    /// The most checkpoints of one generation.
    var checkpoints = 16
    /// Whether memory counts for more than the time that a reload takes, because no request waits for one.
    var sparesMemory = false
    /// Whether files may be loaded before the application asks for them: with `--preload`, in development.
    var preloads = true
  }

  enum Base: Equatable {
    case down
    case starting(ProcessToken)
    case ready(ProcessToken)
  }

  let settings: Settings
  var base = Base.down
  /// What perl had loaded before Nacre.
  var baseTrace = LoadTrace()
  var running: Generation?
  var candidate: Candidate?
  var rejection: Rejection?
  /// What holds the running generation although the disk has other code. Never together with a rejection.
  var pin: Pin?
  /// The molds of earlier generations, the latest last; none of them is the running one's.
  var kept: [Generation] = []
  /// How many checkpoints a cold start has left, at the most.
  var freshCheckpoints = 0
  /// The files that were edited last, the latest first.
  var lastEdited: [String] = []
  /// Files that no load reads and that were touched since the running generation was promoted.
  var respawning: [String] = []
  /// A reload was asked for, whatever the disk says.
  var isDemanded = false
  /// It is to be a cold start from a new base.
  var isColdDemanded = false
  var isStopping = false
  /// Whether what is being built is to replace all that the old perl has made.
  var isUpgrading = false
  /// Whether a ``Action/wake(afterSeconds:)`` is under way.
  var isWaking = false
  /// Whether no worker is forked before then: the last ones ended as soon as they had started.
  var isPausing = false
  /// The bases and the workers that ended as soon as they had started, one after another.
  var quickBases = 0
  var quickWorkers = 0
  /// How often in a row the process of a candidate was killed by somebody, and how often candidates were rejected.
  var accidents = 0
  var rejectionsInARow = 0
  /// The failure of a start hook that people have been told of since a worker was ready last.
  var toldFailure: LoadFailure?
  /// How often in a row each path has made a candidate void.
  var voids: [String: Int] = [:]
  /// Paths that every load changes, so that they say nothing.
  var restless: Set<String> = []
  /// What is loaded before the application asks for it.
  var preloading: Preloading
  var actions: [Action] = []
  private var lastToken: UInt32 = 0
  private var lastSerial = 0

  init(settings: Settings) {
    self.settings = settings
    preloading = Preloading(use: settings.preloads ? .natural : .forbidden)
  }

  /// Whether what was touched has not yet led to a promotion, a rejection or nothing.
  var isBusy: Bool { candidate != nil }

  /// A name for a new process.
  mutating func makeToken() -> ProcessToken {
    lastToken += 1
    return ProcessToken(number: lastToken)
  }

  /// A number for a new candidate.
  mutating func makeSerial() -> Int {
    lastSerial += 1
    return lastSerial
  }

  /// What was last on the disk and does not run: the rejected candidate, or what was rolled back from.
  var unwanted: Generation? {
    // The rejection is not forgotten before the roll back has come to its end.
    if let former = candidate?.pin?.former { return former }
    if let rejection { return Generation(number: 0, loader: rejection.loader, trace: rejection.trace) }
    return pin?.former
  }

  /// Takes in one event.
  mutating func handle(_ event: Event) -> [Action] {
    actions.removeAll()
    if isStopping {
      handleWhileStopping(event)
      return actions
    }
    switch event {
    case .start: start()
    case .baseReady(let process, let loaded): baseReady(process, loaded)
    case .forked(let process): forked(process)
    case .forkFailed(let process, let message): forkFailed(process, message)
    case .checkpointLeft(let checkpoint, let process): checkpointLeft(checkpoint, by: process)
    case .checkpointsDropped(let positions, let process): dropCheckpoints(positions, of: process)
    case .traced(let process, let events): traced(process, events)
    case .loaded(let process): loaded(process)
    case .failed(let process, let failure): failed(process, failure)
    case .workerReady(let process): workerReady(process)
    case .ended(let process, let departure): ended(process, departure)
    case .touched(let files): touched(files)
    case .stoppedFollowing(let paths): stopFollowing(Set(paths))
    case .upgraded(let files): upgraded(files)
    case .demanded: demanded()
    case .coldStartDemanded: coldStartDemanded()
    case .rollBackDemanded: rollBackDemanded()
    case .looked(.running(let difference, let rejected, let base)): decide(difference, rejected, base)
    case .looked(.candidate(let difference)): looked(difference)
    case .looked(.pin(let difference, let former)): looked(pinned: difference, former: former)
    case .idle: beginExamination()
    case .objected(let process, let objections): objected(process, objections)
    case .censusTaken(let process, let differences, let first): censusTaken(process, differences, first)
    case .woke: woke()
    case .stop: stop()
    case .drained: break
    }
    return actions
  }

  mutating func act(_ action: Action) { actions.append(action) }

  private mutating func start() {
    startBase()
    build(files: [], limit: nil)
  }

  /// The base, ready or not.
  var baseProcess: ProcessToken? {
    switch base {
    case .down: nil
    case .starting(let process), .ready(let process): process
    }
  }

  /// How often in a row a process may be killed before that counts as a failure.
  static let mostAccidents = 3

  /// The seconds to wait before the next of several attempts that failed at once: 0, 1, 2 ... 10.
  static func delay(after failures: Int) -> Int { min(max(failures - 1, 0), 10) }

  mutating func wake(afterSeconds seconds: Int) {
    if isWaking { return }
    isWaking = true
    act(.wake(afterSeconds: seconds))
  }

  private mutating func woke() {
    (isWaking, isPausing) = (false, false)
    if base == .down { startBase() }
    replaceWorkers()
    if rejection?.isTriedAgain == true { demanded() }
  }
}
