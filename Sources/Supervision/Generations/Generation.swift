import ReloadModel

/// Names one Perl process for as long as `nacre` runs; process ids are given out again, tokens are not. It is the
/// `token` of ``ProcessProtocol/Command``.
struct ProcessToken: Hashable, Sendable {
  /// Counts from 1.
  var number: UInt32
}

/// A suspended process that stands after the first `position` events of a trace.
struct Checkpoint: Hashable, Sendable {
  var position: Int
  var process: ProcessToken
}

/// How a generation came to be.
enum Way: String, Sendable {
  case coldStart = "cold start"
  case rewind
  case respawn
  case rollBack = "roll back"
  /// The same code, loaded in another order; see ``Preloading``.
  case preload

  /// Whether nothing is loaded: new workers come from a mold that is there.
  var forksOnly: Bool { self == .respawn || self == .rollBack }
}

/// One numbered version of the running code, or of what is to become it.
struct Generation: Equatable, Sendable {
  var number: UInt64
  /// The number of the generation that loaded this code: its own, or after a respawn or a roll back an earlier one.
  var loadedAs: UInt64
  /// The process that loaded it.
  var loader: ProcessToken
  /// The same process, which holds the whole generation now; nil while it loads, and once it has died.
  var mold: ProcessToken?
  var trace = LoadTrace()
  /// In the order of their positions, none twice.
  var checkpoints: [Checkpoint] = []
  /// What its workers loaded while they served, each event once.
  var lazily: [TraceEvent] = []
  /// Its workers, and whether each is ready.
  var workers: [ProcessToken: Bool] = [:]

  init(number: UInt64, loader: ProcessToken, trace: LoadTrace = LoadTrace()) {
    self.number = number
    loadedAs = number
    self.loader = loader
    self.trace = trace
  }

  var readyWorkers: Int { workers.values.count { $0 } }

  /// Adds what a worker loaded; false if all of it was known, or says nothing about the disk.
  mutating func addLazily(_ events: [TraceEvent]) -> Bool {
    let new = events.filter { event in
      switch event {
      case .ended, .library, .used, .entered: false
      default: !lazily.contains(event)
      }
    }
    lazily += new
    return !new.isEmpty
  }
}

/// A generation that is being built.
struct Candidate: Equatable, Sendable {
  /// How far it is. Every stage but the first two has a process.
  enum Stage: Equatable, Sendable {
    /// A cold start that waits until a base is ready.
    case awaitingBase
    /// A base or checkpoint has been asked to fork it.
    case forking(from: ProcessToken)
    case loading
    /// It has loaded; whether the disk still is what it loaded is being looked at.
    case loaded
    /// It has not loaded; whether the disk still is what it failed with is being looked at.
    case failing(LoadFailure)
    case startingWorkers
    /// Enough workers are ready; the last look before the promotion is being taken.
    case ready
  }

  /// Tells it from every other candidate, for numbers of generations are given again after a rejection.
  var serial: Int
  var generation: Generation
  var stage: Stage
  var way: Way
  /// What differed from the running generation when it was begun, for the report.
  var files: [String]
  /// The last trace position from which it may be rewound; nil for a cold start.
  var limit: Int?
  /// How often its workers have died before they were ready.
  var deaths = 0
  /// How often a base or a checkpoint was asked in vain.
  var attempts = 0
  /// What a roll back is to be pinned against.
  var pin: Pin?

  /// The process that loads, or has. In a respawn or a roll back it is the mold that the workers come from.
  var process: ProcessToken { generation.loader }
}

/// A candidate that did not load, kept until the disk offers something else.
struct Rejection: Equatable, Sendable {
  var failure: LoadFailure
  /// The process that loaded it.
  var loader: ProcessToken
  /// What it had loaded, missed and read until then.
  var trace: LoadTrace
  /// What differed from the running generation.
  var files: [String]
  /// Whether only its workers were new.
  var isOfRespawn = false
  /// Whether it was given up because a source file differed after every attempt: only the next save starts another.
  var isRestless = false
  /// Whether no change of the disk is waited for: the system refused what Nacre needed, and may grant it later.
  var isTriedAgain: Bool
}

/// What holds a generation in place that the disk does not call for: somebody rolled back to it.
///
/// It holds as long as the disk differs from both generations exactly as it did when the roll back was asked for.
struct Pin: Equatable, Sendable {
  /// How the disk differed when the roll back was asked for: from the pinned generation, and from `former`.
  struct Look: Equatable, Sendable {
    var pinned: UInt64
    var former: UInt64
  }

  /// What was rolled back from, and what had been loaded of candidates that came to nothing: the files that may change
  /// although the pinned generation does not know them.
  var former: Generation
  /// Nil until the disk has been looked at.
  var look: Look?
}

/// What differs between a trace and the disk, as far as the rules of ``GenerationMachine`` need it.
struct Difference: Equatable, Sendable {
  /// The paths that differ.
  var files: [String]
  /// The position of the first event in the load trace that differs; nil if only what workers loaded lazily does.
  var position: Int?
  /// Stands for what differs and what is on the disk there now. Only taken for a ``Pin``; 0 if nothing differs.
  var digest: UInt64 = 0

  /// Nothing.
  static let none = Difference(files: [], position: nil)

  /// Whether the disk is what was loaded.
  var isEmpty: Bool { files.isEmpty }
}
