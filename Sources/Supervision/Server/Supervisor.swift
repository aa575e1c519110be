import CLinux
import FileWatching
import Glibc
import ProcessProtocol
import ReloadModel
import SourceFiles
public import Switchboard

/// The owner of the process tree and of the generations: carries out what ``GenerationMachine`` decides.
///
/// Everything happens on the thread that calls ``run()``.
public final class Supervisor {
  /// How the server ends.
  enum Stopping: Equatable {
    case no
    /// Accepts nothing more and waits for what is in flight.
    case draining
    /// Waits for its workers to leave.
    case leaving
    case done(status: Int32)
  }

  /// A process that was asked for and does not exist yet.
  struct Order {
    var role: PerlProcess.Role
    var origin: ProcessToken
    var timer: EventLoop.Timer
    /// When it was asked for.
    var at: UInt64
    var isCancelled = false
  }

  static let second: UInt64 = 1_000_000_000
  /// How long a process may take to fork.
  static let patience = 20 * second

  let settings: ServerSettings
  let log: any ServerLog
  let loop: EventLoop
  let scoreboard: Scoreboard
  let switchboard: Switchboard
  private let boardSettings: SwitchboardSettings
  let signals = Signals()
  let freshness: Freshness
  var listeners: [ListeningSocket]
  /// What speaks TLS and HTTP/2; nil if nobody does.
  let front: (any Front)?
  var machine: GenerationMachine
  var events: [GenerationMachine.Event] = []
  var isHandling = false
  var stopping = Stopping.no
  var restart = Restart.none
  /// The process of a restart that has failed, until it is reaped.
  var failed: Successor?
  /// How often it was interrupted since it has been replaced.
  var interrupts = 0
  /// Whether somebody is told that a demanded reload is done.
  var isReloadAwaited = false
  /// Whether requests have been served, or answered with the report of a failure.
  var hasBegun = false
  var areDoorsClosed = false
  /// The perl that is started next; another one after an upgrade.
  var perl: PerlInstallation
  /// How often it was replaced.
  var upgrades = 0
  /// Nil until there is a base, and where only a person's demand reloads.
  var runtimeWatch: RuntimeWatch?
  /// `Nacre.so` for it.
  var extensionLibrary: String

  var processes: [ProcessToken: PerlProcess] = [:]
  var orders: [ProcessToken: Order] = [:]
  /// Processes that were reaped before their hello was read, and when. The kernel uses their numbers again.
  var strays: [pid_t: (ending: ProcessEnding, at: UInt64)] = [:]
  /// Processes that were stopped before their hello was read, and by which signal.
  var stops: [pid_t: Int32] = [:]
  /// What removes the files of this server should it be killed; nil before ``run()``.
  var guardian: Guardian?
  /// The scoreboard cells that no process has, the next one last.
  var freeCells = Array((0..<Scoreboard.cellCount).reversed())
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Channel.capacity, alignment: 16)

  /// The queue of the running generation, and that of the candidate.
  var queue: LendingQueue?
  var candidateQueue: LendingQueue?
  /// What the processes of the examination that is under way have written.
  var censuses: [CensusFile.Place: CensusFile] = [:]
  /// Runs while there is something to be found out in the background.
  var idleTimer: EventLoop.Timer?
  var reported: Set<String> = []
  var settlingTimer: (timer: EventLoop.Timer, at: UInt64)?
  var pollTimer: EventLoop.Timer?
  var pollNews: PollNews
  /// The watcher's descriptor that the loop knows, -1 for none.
  var watchedQueue: Int32 = -1
  /// Whether the Perl processes have that descriptor, too.
  var workersSeeEvents = true
  /// What the switchboard was last told.
  var wasFresh = true
  /// The failure that people were told of last, until the next promotion.
  var toldRejection: LoadFailure?
  /// When the running generation was promoted, in seconds since the epoch.
  var runningSince: Int?
  /// Tells this server from the one before it, for error pages that have outlived that.
  let identity = String(UInt64.random(in: .min ... .max), radix: 36)
  /// How many loads were answered with an error page.
  var rejections = 0

  var journal = ReloadJournal()
  /// What the workers that are gone have served, and how reloads have ended.
  var tally = RequestTally()
  var outcomes: [Metrics.Outcome: Int] = [:]
  /// nil without `--metrics`.
  var metricsServer: ControlServer?
  var metricsListener: ListeningSocket?
  /// Where the numbers are to be, once this server has taken another one's place.
  var metricsAddress: ListenAddress?
  /// nil without a control socket.
  var control: ControlServer?
  /// Tells when its file is removed; -1 for none.
  var controlQueue: Int32 = -1
  var waiters: [Waiter] = []
  /// Seconds since the epoch.
  let startedAt = Supervisor.wallClock()

  /// A server that has not started anything yet. Secure listeners need a front.
  public init(
    settings: ServerSettings, listeners: [ListeningSocket], log: any ServerLog, front: (any Front)? = nil
  ) throws {
    _ = cl_become_subreaper()
    SpareDescriptor.keep()
    self.settings = settings
    self.listeners = listeners
    self.front = front
    (perl, extensionLibrary) = (settings.perl, settings.extensionLibrary)
    self.log = log
    loop = try EventLoop()
    // With a front in between, the client's descriptor and both ends of a pair.
    let slots = ConnectionSlots(settings, descriptorsEach: front == nil ? 2 : 4)
    guard let scoreboard = Scoreboard(slotCount: slots.count) else {
      throw SystemError("make the scoreboard")
    }
    self.scoreboard = scoreboard
    freshness = Freshness(settings: settings)
    pollNews = PollNews(seconds: settings.watching.poll ?? 1, looksBeforeRequests: freshness.holdsRequests)
    var board = SwitchboardSettings(
      spoolDirectory: ServerSettings.spoolDirectory, developmentMode: freshness.holdsRequests)
    board.hold = UInt64(settings.hold) * Self.second
    board.maximumStreams = settings.isDevelopment ? min(64, scoreboard.slotCount / 4) : 0
    board.idleTimeout = UInt64(settings.connections.idleTimeout) * Self.second
    board.headTimeout = UInt64(settings.connections.headTimeout) * Self.second
    board.adopt(settings.limits, slots)
    board.takesHTTP2 = settings.connections.takesHTTP2
    board.trustedProxies = settings.trustedProxies
    board.takesProxyProtocol = settings.takesProxyProtocol
    boardSettings = board
    switchboard = Switchboard(loop: loop, scoreboard: scoreboard, settings: board, delegate: nil)
    machine = GenerationMachine(
      settings: .init(
        waitsForSaves: settings.isDevelopment, answersWithFailures: freshness.holdsRequests,
        isAutomatic: freshness.isAutomatic, workers: settings.workers,
        checkpoints: settings.checkpoints, sparesMemory: !settings.isDevelopment,
        preloads: settings.preloads && settings.isDevelopment))
    if let served = slots.shortage {
      report(
        "the limit of open files (ulimit -n) leaves room for \(served) connections, not for "
          + "\(settings.limits.connections) (--max-connections)")
    }
  }

  /// To be called before anybody can connect: a signal to stop that comes from then on ends the server in order, however
  /// young it is.
  public static func holdSignals() { Signals.hold() }

  deinit { buffer.deallocate() }

  /// Serves until a signal stops it or the application cannot be started. Returns the exit status.
  public func run() -> Int32 {
    startGuardian()
    do {
      // After the first fork: what forks from here on has another thread beside it.
      try front?.start(on: loop, for: switchboard, settings: boardSettings)
      switchboard.front = front
      switchboard.delegate = self
      try loop.watch(signals.descriptor, .readable) { [unowned self] _ in receiveSignals() }
      watchQueue()
      try watchPredecessor()
      if !settings.life.isBesideAnother { try openDoors() }
      try control?.start()
      watchControl()
    } catch {
      log.fail("\(error)")
      return 1
    }
    handle(.start)
    watchRequests()
    if !isAwaited { beat() }
    // The end may have come already: a perl that cannot be started.
    if stopping == .no { loop.run() }
    control?.end()
    metricsServer?.end()
    for process in processes.values { process.kill() }
    closeDoors()
    settings.life.pidFile?.remove()
    guardian?.dismiss()
    if case .done(let successor) = restart { return statusAfterRestart(successor) }
    return if case .done(let status) = stopping { status } else { 0 }
  }

  /// How long requests in flight, and old workers, may go on.
  var drainTime: UInt64 { UInt64(settings.life.drain) * Self.second }

  /// Ends ``run()`` with this status.
  func finish(status: Int32) {
    stopping = .done(status: status)
    loop.stop()
  }

  /// Lets the machine decide about an event and carries out what it decides, in order; what that leads to comes after.
  func handle(_ event: GenerationMachine.Event) {
    events.append(event)
    guard !isHandling else { return }
    isHandling = true
    while !events.isEmpty {
      let event = events.removeFirst()
      let actions = machine.handle(event)
      let happenings = journal.observe(
        machine, after: event, actions, at: .init(clock: EventLoop.clock(), wall: Self.wallClock()),
        noticed: freshness.touchedAt)
      for action in actions { perform(action) }
      if machine.candidate == nil { candidateQueue = nil }
      if machine.preloading.examination == nil { censuses = [:] }
      for happening in happenings {
        count(happening)
        tell(happening)
      }
    }
    isHandling = false
    showFreshness()
  }
}
