import ProcessProtocol
import ReloadModel
import Testing

@testable import Supervision

/// Drives a ``GenerationMachine`` as the supervisor would, with a disk and processes that exist only here.
///
/// Looks are answered from `disk`, orders are noted; tests play the processes' parts.
struct MachineRun {
  var machine: GenerationMachine
  /// Everything the machine has asked for, in order.
  var log: [GenerationMachine.Action] = []
  /// How the disk differs from what each has loaded; nothing after a promotion.
  var running = Difference.none
  var rejected = Difference.none
  var base = Difference.none
  /// How the disk differs, when a roll back is asked for, from what comes back and from what is set aside.
  var pinned = Difference(files: ["/b"], position: 1, digest: 1)
  var former = Difference.none
  /// What the next looks at the candidate find; looks beyond these find nothing.
  var candidate: [Difference] = []

  init(workers: Int = 2, waitsForSaves: Bool = true, checkpoints: Int = 16, sparesMemory: Bool = false) {
    machine = GenerationMachine(
      settings: .init(
        waitsForSaves: waitsForSaves, answersWithFailures: waitsForSaves, workers: workers, checkpoints: checkpoints,
        sparesMemory: sparesMemory))
  }

  /// Handles an event and what the looks that it leads to find. Returns what was asked for besides looks.
  @discardableResult
  mutating func send(_ event: GenerationMachine.Event) -> [GenerationMachine.Action] {
    var asked: [GenerationMachine.Action] = []
    var events = [event]
    while !events.isEmpty {
      for action in machine.handle(events.removeFirst()) {
        log.append(action)
        switch action {
        case .look(.running), .look(.additions):
          events.append(.looked(.running(running, rejected: rejected, base: base)))
        case .look(.pin): events.append(.looked(.pin(pinned, former: former)))
        case .look(.candidate):
          events.append(.looked(.candidate(candidate.isEmpty ? .none : candidate.removeFirst())))
        default: asked.append(action)
        }
        if case .promote(let promotion) = action {
          (running, rejected, base) = promotion.way == .rollBack ? (pinned, former, .none) : (.none, .none, .none)
        }
      }
    }
    return asked
  }

  /// The token of the last candidate that was ordered.
  var lastCandidate: ProcessToken { order.token }
  /// What the last candidate was forked from.
  var lastOrigin: ProcessToken { order.origin }
  /// The plan of the last candidate.
  var lastPlan: LoadPlan { order.plan }

  private var order: (token: ProcessToken, origin: ProcessToken, plan: LoadPlan) {
    for case .forkCandidate(let token, let origin, _, let plan) in log.reversed() { return (token, origin, plan) }
    fatalError("no candidate was ordered")
  }

  /// The workers that were ordered of a generation.
  func workers(of number: UInt64) -> [ProcessToken] {
    log.compactMap { if case .forkWorker(let token, _, number) = $0 { token } else { nil } }
  }

  var base_: ProcessToken { machine.baseProcess! }

  // MARK: Parts of a life

  /// Up to a base that is ready.
  mutating func startBase() {
    send(.start)
    send(.baseReady(base_, loaded: []))
  }

  /// The ordered candidate is forked, loads these files, and leaves checkpoints before those in `checkpoints`.
  mutating func load(_ files: [String], checkpoints: [String] = [], failing: LoadFailure? = nil) {
    let process = lastCandidate
    send(.forked(process))
    for file in files {
      if checkpoints.contains(file) {
        let position = machine.candidate!.generation.trace.events.count
        send(.checkpointLeft(Checkpoint(position: position, process: machine.makeToken()), by: process))
      }
      send(.traced(process, [began(file)]))
    }
    if let failing { send(.failed(process, failing)) } else { send(.loaded(process)) }
  }

  /// All workers of the candidate become ready.
  mutating func readyWorkers() {
    for worker in (machine.candidate?.generation.workers ?? [:]).keys { send(.workerReady(worker)) }
  }

  /// A running generation 1 of the files a, b and c, with a checkpoint before each.
  static func serving(workers: Int = 2, waitsForSaves: Bool = true) -> MachineRun {
    var run = MachineRun(workers: workers, waitsForSaves: waitsForSaves)
    run.startBase()
    run.load(["/a", "/b", "/c"], checkpoints: ["/a", "/b", "/c"])
    run.readyWorkers()
    return run
  }

  /// A save of these files, the first of which is at this position of the running generation's trace.
  @discardableResult
  mutating func save(_ files: [String], at position: Int?) -> [GenerationMachine.Action] {
    running = Difference(files: files, position: position)
    return send(.touched(respawning: []))
  }
}

func began(_ file: String, line: UInt32 = 1) -> TraceEvent {
  .began(
    file: file, key: file, requester: "/app.psgi", line: line,
    fingerprint: Fingerprint(device: 1, inode: 1, size: 1, modified: 1, changed: 1, hash: 1))
}

let syntaxError = LoadFailure(cause: .died, file: "/b", line: 3, message: "syntax error at /b line 3.")

extension GenerationMachine.Departure {
  static let killed = Self(ending: .killed(9))
  static let atOnce = Self(ending: .killed(9), isQuick: true)
}
