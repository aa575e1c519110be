import ProcessProtocol
import ReloadModel

/// The last reloads: what began them, what they did, how long each phase took and how they ended.
///
/// It follows the machine from outside: after every event it is shown what the machine is now and what it has asked for.
struct ReloadJournal {
  /// What began a reload.
  enum Trigger: String {
    case start, save
    case hangUp = "HUP"
    case control
    case touchFile = "touch file"
    /// An attempt that had failed for want of something is made again.
    case retry
    /// A process that the running generation needs has died.
    case death
    /// The code that runs was loaded in another order, or had to be in the natural one.
    case preload
  }

  /// How a reload ended.
  enum Verdict: Equatable {
    case underWay
    case promoted
    case rejected(LoadFailure)
    /// The disk changed meanwhile, or something else was asked for.
    case void
  }

  /// Nanoseconds of `CLOCK_MONOTONIC` at which each phase ended.
  struct Marks: Equatable {
    /// The first change was noticed; nil if it was none that began this.
    var noticed: UInt64?
    /// The burst of changes was over.
    var settled: UInt64?
    var began: UInt64
    var forked: UInt64?
    var loaded: UInt64?
    var ready: UInt64?
    var ended: UInt64?
  }

  /// One reload.
  struct Reload: Equatable {
    /// Counts from 1.
    var id: Int
    var trigger: Trigger
    /// When it began, in seconds since the epoch.
    var at: Double
    var generation: UInt64
    var loadedAs: UInt64
    var way: Way
    /// What differed on the disk.
    var files: [String]
    /// For a rewind: where the checkpoint stands in the trace, and the file before which that is.
    var checkpoint: (position: Int, file: String)?
    /// The source files that it loaded, in order, without what the checkpoint had.
    var loaded: [String] = []
    /// Sockets that were opened while it loaded.
    var sockets: [LoadSummary.SharedSocket] = []
    var marks: Marks
    var verdict = Verdict.underWay
    /// The process that loaded it.
    var loader: ProcessToken
    /// What took time there, once that is known.
    var timeline: LoadTimeline?
    /// The workers it was given, in the order in which they became ready.
    var workers: [WorkerStart] = []

    static func == (one: Self, other: Self) -> Bool {
      one.id == other.id && one.verdict == other.verdict && one.marks == other.marks
    }
  }

  /// A worker's way from the order to fork it until it could serve, in nanoseconds of `CLOCK_MONOTONIC`.
  struct WorkerStart: Equatable {
    var pid: Int32
    var ordered: UInt64
    var forked: UInt64
    var ready: UInt64
  }

  /// What people and programs are told.
  enum Happening: Equatable {
    case began(Reload)
    case promoted(Reload)
    case rejected(Reload)
    case void(Reload)
    /// The running generation is what the disk has again.
    case forgiven(generation: UInt64)
    /// Somebody rolled back from a failure to the running generation.
    case resumed(generation: UInt64)
    /// What was asked for cannot be done.
    case refused(String)
  }

  /// This very moment: nanoseconds of `CLOCK_MONOTONIC`, and seconds since the epoch.
  struct Moment {
    var clock: UInt64
    var wall: Double
  }

  /// The most reloads that are remembered.
  static let capacity = 100
  /// The last so many of them are remembered with what took time.
  static let timelines = 20

  /// The latest last.
  private(set) var reloads: [Reload] = []
  /// Who asks when the machine is next told of a demand.
  var demandedBy = Trigger.hangUp
  /// When the last burst of changes was over.
  var settledAt: UInt64?
  private var trigger = Trigger.start
  private var lastID = 0
  /// The texts of `loaded`.
  private var paths = SharedPaths()
  /// The candidate that the last reload is about; nil if that is over.
  private var serial: Int?

  /// The reload that is under way.
  var current: Reload? { serial == nil ? nil : reloads.last }

  /// The latest promotion, if it is remembered.
  var lastPromotion: Reload? { reloads.last { $0.verdict == .promoted } }

  /// What a load has done, with the texts of earlier loads.
  mutating func shared(_ events: [TraceEvent]) -> [TraceEvent] { paths.shared(events) }

  /// The current load has opened these.
  mutating func note(_ sockets: [LoadSummary.SharedSocket]) {
    if serial != nil { reloads[reloads.count - 1].sockets = sockets }
  }

  /// A part of what took time in a load.
  mutating func note(_ timeline: LoadTimeline, of loader: ProcessToken) {
    guard let index = reloads.lastIndex(where: { $0.loader == loader && !$0.way.forksOnly }) else { return }
    let files = paths.shared(timeline.spans.map(\.file))
    var known = reloads[index].timeline ?? LoadTimeline(pid: timeline.pid)
    reloads[index].timeline = nil
    for (span, file) in zip(timeline.spans, files) {
      known.spans.append(.init(span.kind, file: file, start: span.start, duration: span.duration))
    }
    reloads[index].timeline = known
  }

  /// A worker of this generation is ready. Those that take the place of others later are not a part of the reload.
  mutating func note(_ worker: WorkerStart, of generation: UInt64) {
    guard let last = reloads.indices.last, reloads[last].generation == generation,
      worker.ordered < reloads[last].marks.ended ?? .max
    else { return }
    reloads[last].workers.append(worker)
  }

  /// Takes in what an event has led to.
  ///
  /// - Parameters:
  ///   - machine: The machine after the event.
  ///   - actions: What it asked for.
  ///   - noticed: When the first change was seen that has not led to anything yet.
  mutating func observe(
    _ machine: GenerationMachine, after event: GenerationMachine.Event, _ actions: [GenerationMachine.Action],
    at now: Moment, noticed: UInt64?
  ) -> [Happening] {
    note(event)
    var happenings = conclude(machine, actions, now)
    guard let candidate = machine.candidate else { return happenings }
    if candidate.serial != serial {
      begin(candidate, now, noticed)
      follow(candidate, machine, now)
      happenings.append(.began(reloads[reloads.count - 1]))
    } else {
      follow(candidate, machine, now)
    }
    return happenings
  }

  private mutating func note(_ event: GenerationMachine.Event) {
    switch event {
    case .start: trigger = .start
    case .touched where serial == nil, .traced where serial == nil: trigger = .save
    case .demanded:
      trigger = demandedBy
      demandedBy = .hangUp
    case .coldStartDemanded, .rollBackDemanded: trigger = .control
    case .woke: trigger = .retry
    case .censusTaken where serial == nil: trigger = .preload
    case .ended where serial == nil: trigger = .death
    default: break
    }
  }

  /// How the reload that was under way has ended, and what else there is to tell.
  private mutating func conclude(
    _ machine: GenerationMachine, _ actions: [GenerationMachine.Action], _ now: Moment
  ) -> [Happening] {
    var happenings: [Happening] = []
    for action in actions {
      switch action {
      case .promote: happenings += end(.promoted, now).map { [.promoted($0)] } ?? []
      case .reject(let failure, _, _), .giveUp(let failure, _):
        happenings += end(.rejected(failure), now).map { [.rejected($0)] } ?? []
      case .forgive(let running): happenings.append(.forgiven(generation: running))
      case .resume(let running): happenings.append(.resumed(generation: running))
      case .refuse(let reason): happenings.append(.refused(reason))
      default: break
      }
    }
    if serial != nil, machine.candidate?.serial != serial {
      happenings.insert(contentsOf: end(.void, now).map { [.void($0)] } ?? [], at: 0)
    }
    return happenings
  }

  private mutating func end(_ verdict: Verdict, _ now: Moment) -> Reload? {
    guard serial != nil else { return nil }
    serial = nil
    let last = reloads.count - 1
    reloads[last].verdict = verdict
    reloads[last].marks.ended = now.clock
    // What a void candidate is followed by has the same reason; what comes after anything else was saved meanwhile.
    if verdict != .void { trigger = .save }
    return reloads[last]
  }

  private mutating func begin(_ candidate: Candidate, _ now: Moment, _ noticed: UInt64?) {
    lastID += 1
    serial = candidate.serial
    if reloads.count >= Self.capacity { reloads.removeFirst() }
    if lastID % Self.capacity == 0 {
      paths.keep(only: reloads.map { $0.loaded + ($0.timeline?.spans.map(\.file) ?? []) })
    }
    if reloads.count >= Self.timelines { reloads[reloads.count - Self.timelines].timeline = nil }
    let settled = settledAt.flatMap { settled in noticed.map { $0 <= settled } == true ? settled : nil }
    settledAt = nil
    reloads.append(
      Reload(
        id: lastID, trigger: trigger, at: now.wall, generation: candidate.generation.number,
        loadedAs: candidate.generation.loadedAs, way: candidate.way, files: candidate.files,
        marks: Marks(noticed: noticed, settled: settled, began: now.clock), loader: candidate.process))
  }

  private mutating func follow(_ candidate: Candidate, _ machine: GenerationMachine, _ now: Moment) {
    let last = reloads.count - 1
    switch candidate.stage {
    case .awaitingBase, .forking:
      // The checkpoint that was asked first may have been of no use.
      reloads[last].loader = candidate.process
      let position = candidate.generation.trace.events.count
      reloads[last].way = candidate.way
      reloads[last].checkpoint = candidate.way == .rewind ? (position, machine.running?.file(at: position) ?? "") : nil
      (reloads[last].marks.forked, reloads[last].marks.loaded) = (nil, nil)
    case .loading:
      if reloads[last].marks.forked == nil { reloads[last].marks.forked = now.clock }
    case .loaded, .failing, .startingWorkers:
      guard reloads[last].marks.loaded == nil, !candidate.way.forksOnly else { break }
      reloads[last].marks.loaded = now.clock
      let sources = candidate.generation.trace.sources(from: reloads[last].checkpoint?.position ?? 0)
      reloads[last].loaded = paths.shared(sources)
    case .ready:
      if reloads[last].marks.ready == nil { reloads[last].marks.ready = now.clock }
    }
  }
}

extension Generation {
  /// The file or directory before which a checkpoint at this position of the trace stands: the first that was loaded,
  /// read or listed after it.
  func file(at position: Int) -> String? {
    for event in trace.events.dropFirst(position) {
      switch event {
      case .began(let file, _, _, _, _), .read(let file, _): return file
      case .listed(let directory, _): return directory
      default: break
      }
    }
    return nil
  }
}

extension LoadTrace {
  /// The source files that were loaded after this position, in order, each once.
  func sources(from position: Int) -> [String] {
    var seen: Set<String> = []
    return events.dropFirst(position).compactMap { event in
      if case .began(let file, _, _, _, _) = event, seen.insert(file).inserted { file } else { nil }
    }
  }
}
