import ReloadModel

/// What is loaded before the application asks for it, and how that is found out.
///
/// An order is learned from a load in natural order, tried in the background by a load of its own, and used once that
/// load has turned out equal to the one that serves. Each later load in that order is compared again with a load in
/// natural order.
struct Preloading: Equatable {
  /// Whether there is an order.
  enum Use: Equatable {
    /// Without `--preload`, and in production.
    case forbidden
    /// Nothing is verified (yet).
    case natural
    /// Cold starts load in this order.
    case verified(PreloadOrder)
    /// Nothing is preloaded until somebody asks for a cold start, and why: a sentence without a full stop.
    case off(String)
  }

  /// After so many orders that the application has outgrown, none is learned any more.
  static let patience = 8
  /// After so many trials that objections have made void, no order is tried any more.
  static let mostRounds = 6
  /// After so many edits a file is hot.
  static let warmth = 2
  /// The most files that are placed last.
  static let mostHot = 2

  var use: Use
  var examination: Examination?
  /// Why the last order was given up, if another one is to be learned: a sentence without a full stop.
  var lastObjection: String?
  /// The keys that the trials have shown not to fit.
  var unfit: Set<String> = []
  /// The process whose load was found equal to one in natural order, or needs no comparison.
  var verified: ProcessToken?
  /// The process whose load offers nothing to preload, or could not be examined.
  var passedOver: ProcessToken?
  /// The vendor-first order, and the load from which an order with hot files last can be learned.
  var vendor = PreloadOrder()
  var learned = LoadTrace()
  /// The files that are placed last, and those for which that has failed.
  var hot: Set<String> = []
  var coldFiles: Set<String> = []
  /// How often each file was edited.
  var edits: [String: Int] = [:]
  var rounds = 0
  var setbacks = 0
  /// What was found equal, until its load is promoted.
  var promised: Examination?
  /// The process that has just been promoted because of its order.
  private var preloaded: ProcessToken?

  init(use: Use) { self.use = use }

  /// What a cold start preloads.
  var order: PreloadOrder { if case .verified(let order) = use { order } else { PreloadOrder() } }

  /// Whether this generation was promoted only for the order of its load.
  func isOfPreload(_ generation: Generation) -> Bool { generation.mold != nil && generation.mold == preloaded }

  /// A candidate runs.
  mutating func promoted(_ candidate: Candidate) {
    let promised = promised
    (preloaded, self.promised) = (nil, nil)
    if candidate.way == .preload, let promised {
      preloaded = candidate.process
      verified = candidate.process
      lastObjection = nil
      if case .hot(let files) = promised.purpose { hot = files }
      use = .verified(promised.order)
    }
    guard candidate.way == .rewind || candidate.way == .coldStart else { return }
    for file in candidate.files { edits[file, default: 0] += 1 }
    // Bounded: a deploy may change everything.
    if edits.count > 1000 { edits = [:] }
    coldFiles = []
  }

  /// The latest files that are edited again and again, if they are others than those that are placed last.
  func wantedHot(_ lastEdited: [String], in trace: LoadTrace) -> Set<String>? {
    guard case .verified = use else { return nil }
    let candidates = lastEdited.filter { edits[$0, default: 0] >= Self.warmth && !coldFiles.contains($0) }
    // To look through the trace takes milliseconds, and a reload waits for it.
    if hot.isSuperset(of: candidates) { return nil }
    let sources = Set(trace.sources(from: 0))
    let wanted = Set(candidates.filter(sources.contains).prefix(Self.mostHot))
    return wanted.isEmpty || wanted.isSubset(of: hot) ? nil : wanted
  }

  /// The application has outgrown the order: the next one is learned from a load in natural order.
  mutating func outgrown(_ reason: String) {
    setbacks += 1
    (lastObjection, vendor, learned, hot) = (reason, PreloadOrder(), LoadTrace(), [])
    (unfit, rounds) = ([], 0)
    use = setbacks >= Self.patience ? .off(reason) : .natural
  }

  /// Nothing is preloaded from now on.
  mutating func giveUp(_ reason: String) {
    (vendor, learned, hot, examination) = (PreloadOrder(), LoadTrace(), [], nil)
    use = .off(reason)
  }

  /// Everything is to be found out anew.
  mutating func startOver() {
    guard use != .forbidden else { return }
    let edits = edits
    self = Preloading(use: .natural)
    self.edits = edits
  }
}

/// The comparison of the running generation with a load of another order, in the background.
///
/// Both describe themselves; if that differs, a second load in natural order shows how much of the difference is chance.
struct Examination: Equatable {
  /// What it is for.
  enum Purpose: Equatable {
    /// Whether the libraries can be loaded first.
    case vendor
    /// Whether these files can be loaded last.
    case hot(Set<String>)
    /// Whether what runs, loaded in a preload order, equals a load in natural order.
    case recheck
  }

  /// Whose census is taken.
  enum Census: Equatable {
    /// That of the running generation, for the others to be compared with.
    case running
    /// That of the trial.
    case trial
    /// That of a second load in natural order; the running generation was loaded so, too, or else the trial.
    case second(runningIsNatural: Bool)
  }

  enum Step: Equatable {
    case forking
    case loading
    case census(Census, by: ProcessToken)
    case loadingSecond(ProcessToken)
  }

  var purpose: Purpose
  var order: PreloadOrder
  /// The load that is compared with the running generation.
  var trial: Generation
  /// The second load in natural order.
  var second: ProcessToken?
  var step = Step.forking
  /// The name that differs first, and how many do.
  var difference = ""

  /// Whether the step is done by this process, or needs it.
  func isAbout(_ process: ProcessToken) -> Bool {
    if process == trial.loader || process == second { return true }
    if case .census(_, process) = step { return true }
    return false
  }
}
