import CLinux
import Glibc
import PerlRuntime
public import ProcessProtocol
import ReloadModel
import SourceFiles

/// The Perl side of the server in one process: the base, and after a fork what the fork is for.
///
/// One exists in a process, for as long as the process lives: perl's hooks find it through ``current``.
public final class HostProcess {
  /// perl's hooks are plain C functions; this is what they reach. A Perl process has exactly one thread.
  nonisolated(unsafe) static var current: HostProcess?

  var channel: Channel
  let scoreboard: Scoreboard
  let inotify: Int32
  /// The process id of `nacre`, which every Perl process must end up being a child of.
  let supervisor: pid_t
  private let serve: (OpaquePointer, WorkerSeat) -> WorkerEnd
  var settings: RunSettings?
  var generation: UInt64 = 0
  var cell = 0
  /// What the application wants called in its workers.
  var hooks = WorkerHooks()
  /// Whether this is a worker: it calls its start hooks, or serves.
  private(set) var isWorker = false
  /// What is different while this process loads only to show something.
  private var trial: Trial?
  /// When this candidate was forked.
  private var started: UInt64 = 0
  /// When this process began, on its way out of a fork.
  var arrived: UInt64 = 0
  let tracer = LoadTracer()

  /// What `nacre` handed over when it started the base.
  public struct Inheritance {
    /// The process id of `nacre`.
    public var supervisor: Int32
    /// The descriptor of the channel.
    public var channel: Int32
    /// The descriptor of the scoreboard.
    public var scoreboard: Int32
    /// The inotify descriptor; -1 for none.
    public var inotify: Int32

    /// Makes it from the descriptors' numbers.
    public init(supervisor: Int32, channel: Int32, scoreboard: Int32, inotify: Int32) {
      self.supervisor = supervisor
      self.channel = channel
      self.scoreboard = scoreboard
      self.inotify = inotify
    }
  }

  /// Takes over what `nacre` handed down; nil if the scoreboard is not of this version.
  ///
  /// - Parameter serve: a worker's life: the application (a borrowed code reference) and what it has in its hands.
  public init?(_ inheritance: Inheritance, serve: @escaping (OpaquePointer, WorkerSeat) -> WorkerEnd) {
    guard let scoreboard = Scoreboard(descriptor: Descriptors.setAside(inheritance.scoreboard)) else { return nil }
    self.scoreboard = scoreboard
    channel = Channel(descriptor: Descriptors.setAside(inheritance.channel))
    inotify = Descriptors.setAside(inheritance.inotify)
    supervisor = inheritance.supervisor
    self.serve = serve
    Descriptors.noteInherited()
  }

  /// Lives: as the base, and in forked processes as candidate, checkpoint, mold and worker.
  ///
  /// - Parameter load: a sub (borrowed) that loads the application and returns it as a code reference.
  public func run(load: OpaquePointer) -> Never {
    Self.current = self
    _ = cl_unblock_all_signals()
    dieWithSupervisor()
    channel.send(.hello(pid: getpid()))
    guard case .configure(let settings)? = channel.receive()?.command else { _exit(0) }
    self.settings = settings
    tracer.begin(settings: settings)
    cp_show_as("nacre base")
    channel.send(.baseReady(loaded: tracer.adopted()))
    waitAsOrigin()
    let application = loadApplication(load)
    liveAsMold(application.pointer)
  }

  /// Waits, as the base or a checkpoint, to be told to fork. Returns only in a forked candidate.
  ///
  /// - Parameter file: Before what it stands, as a checkpoint.
  func waitAsOrigin(before file: String? = nil) {
    let (timers, suspended) = (tracer.timers, Clock.microseconds())
    var isHot = file != nil && file == tracer.hottest
    var standby: Standby?
    while true {
      if isHot, compact(), standby == nil, let order = standBy(&standby, before: file!) {
        return begin(order, at: arrived, after: suspended, timers)
      }
      guard let command = channel.receive()?.command else { break }
      guard let order = CandidateOrder(command) else { continue }
      let ordered = Clock.microseconds()
      isHot = file != nil && file == order.plan.hottest
      if let present = standby.take() {
        defer { close(present.channelsEnd) }
        if present.goesOn(with: command) {
          channel.send(.forked(.candidate, token: order.token), passing: [present.channelsEnd])
          continue
        }
      }
      guard fork(.candidate, token: order.token) == .inFork else {
        // The base has done its work for long.
        if file == nil, settings?.looksBeforeRequests == false { cl_give_code_back() }
        continue
      }
      return begin(order, at: ordered, after: suspended, timers)
    }
    _exit(0)
  }

  /// The first steps of a candidate.
  func begin(
    _ order: CandidateOrder, at ordered: UInt64, after suspended: UInt64, _ timers: OpenResources.Timers
  ) {
    // A checkpoint of a trial that turned out well.
    trial?.end()
    trial = order.plan.isTrial ? Trial(mayServe: !order.plan.preload.isNatural) : nil
    generation = order.generation
    sit(at: Int(order.cell))
    cp_show_as("nacre loading generation \(generation): \(applicationFile)")
    cp_reset_start_time()
    timers.arm()
    started = Clock.microseconds()
    tracer.resume(order.plan, after: started - suspended)
    tracer.beginTimeline(ordered: ordered, arrived: arrived, started: started)
  }

  /// Takes a cell of the scoreboard.
  func sit(at cell: Int) {
    self.cell = cell
    let memory = scoreboard.cell(cell).locationMemory
    cp_set_location_memory(memory.line, memory.count, memory.path, Scoreboard.locationCapacity)
    let request = scoreboard.cell(cell).requestMemory
    cp_set_request_memory(request.since, request.condemned)
  }

  private func loadApplication(_ load: OpaquePointer) -> PerlValue {
    cp_catch_location_signals()
    tracer.follow()
    let outcome = Perl.call(load)
    if cp_is_stray() { leaveAsStray(outcome) }
    tracer.flush()
    // The order matters: a thread is the reason whatever else happened after it.
    if let failure = tracer.threadFailure { fail(failure) }
    switch consume outcome {
    case .returned(let value):
      guard value.isCodeReference else {
        fail(LoadFailure(cause: .notAnApplication, file: applicationFile, message: value.text))
      }
      tracer.concludePreload()
      tracer.finish()
      tracer.noteSpan(.load, "", since: started)
      trial?.end()
      channel.send(.loaded(tracer.summary(since: started)))
      tracer.sendTimeline()
      return value
    case .died(let error): fail(LoadFailure(cause: .died, message: error.text))
    case .exited(let status):
      var line: UInt32 = 0
      let file = cp_exit_location(&line).map { String(cString: $0) } ?? ""
      fail(LoadFailure(cause: .exited, file: file, line: line, message: "exit was called", status: status))
    }
  }

  /// A child that the application has forked while it loaded ends as it would without Nacre.
  private func leaveAsStray(_ outcome: consuming PerlOutcome) -> Never {
    switch consume outcome {
    case .returned: Perl.leave(status: 0, destructing: true)
    case .died(let error):
      Perl.warn(error.text)
      Perl.leave(status: 255, destructing: true)
    case .exited(let status): Perl.leave(status: status, destructing: true)
    }
  }

  /// The application's file, or `-e`.
  var applicationFile: String {
    switch settings?.application {
    case .file(let file)?: file
    case .code(_, let file)?: file ?? "-e"
    case nil: ""
    }
  }

  /// A rejected candidate leaves without `END` blocks, destructors or buffered output.
  func fail(_ failure: LoadFailure) -> Never {
    var failure = failure
    // A message of the socket has a bound, and a person reads no more than this.
    if failure.message.utf8.count > 60_000 { failure.message = String(failure.message.prefix(15_000)) + " ..." }
    if !isWorker { tracer.noteSpan(.load, "", since: started) }
    channel.send(.failed(failure))
    if !isWorker { tracer.sendTimeline() }
    _exit(0)
  }

  /// Holds the loaded code and forks workers from it, until `nacre` closes the channel.
  private func liveAsMold(_ application: OpaquePointer) -> Never {
    OpenResources.Timers.disarm()
    cp_show_as("nacre mold, generation \(generation): \(applicationFile)")
    while let (command, descriptors) = channel.receive() {
      switch command {
      case .forkWorker(let token, let cell, let generation):
        guard let queue = descriptors.first else { continue }
        forkWorker(application, token: token, cell: Int(cell), generation: generation, queue: queue)
      case .takeCensus(let token, let firstIsNatural):
        if fork(.census, token: token) == .inFork { liveAsCensus(descriptors, firstIsNatural: firstIsNatural) }
      case .configure, .forkCandidate, .serve: break
      }
      for descriptor in descriptors { close(descriptor) }
    }
    _exit(0)
  }

  /// Returns in the mold only.
  private func forkWorker(
    _ application: OpaquePointer, token: UInt32, cell: Int, generation: UInt64, queue: Int32
  ) {
    let threads = OpenResources.threadCount()
    guard threads == 1 else {
      channel.send(.forkFailed(token: token, message: "the loaded code runs \(threads) threads"))
      return
    }
    if fork(.worker, token: token) == .inFork {
      // After a respawn: files that are loaded now may be younger than the mold.
      if generation != self.generation { cp_reset_start_time() }
      self.generation = generation
      liveAsWorker(application, cell: cell, queue: Descriptors.setAside(queue))
    }
  }

  private func liveAsWorker(_ application: OpaquePointer, cell: Int, queue: Int32) -> Never {
    sit(at: cell)
    // Ctrl-C and Ctrl-\ reach every process of the terminal; nacre alone decides what they mean. A handler of the
    // application's (or of perl's debugger) stays.
    for key in [SIGINT, SIGQUIT] {
      var present = sigaction()
      sigaction(key, nil, &present)
      if unsafeBitCast(present.__sigaction_handler.sa_handler, to: Int.self) == 0 { signal(key, SIG_IGN) }
    }
    signal(SIGPIPE, SIG_IGN)
    cp_set_program_name("nacre worker, generation \(generation): \(applicationFile)")
    tracer.serve()
    isWorker = true
    // Mostly it has come already.
    guard case .serve? = channel.receive()?.command else { _exit(0) }
    runStartHooks()
    channel.send(.workerReady)
    let end = serve(
      application,
      WorkerSeat(
        cell: cell, generation: generation, queue: queue, channel: channel.descriptor, inotify: inotify,
        scoreboard: scoreboard, settings: settings!))
    if !cp_is_stray() { runStopHooks() }
    // Another Perl process may not be told: whoever needs the connection's end sees it close with the process.
    let status: Int32 = if case .exited(let status) = end { status } else { 0 }
    let isReplaced = scoreboard.publishedGeneration != generation
    Perl.leave(status: status, destructing: settings!.destructs, idly: isReplaced)
  }
}

extension HostProcess {
  /// The settings as `Nacre::Host` reads them: names and values in turn, separated by NUL; lists by `\x01`.
  public static func describedSettings() -> String {
    guard let settings = current?.settings else { return "" }
    let (code, file) =
      switch settings.application {
      case .file(let file): ("", file)
      case .code(let code, let file): (code, file ?? "")
      }
    return [
      "include", settings.includeDirectories.joined(separator: "\u{1}"),
      "modules", settings.modules.joined(separator: "\u{1}"), "code", code, "file", file,
      "path", settings.service.mountPath,
    ].joined(separator: "\0")
  }
}
