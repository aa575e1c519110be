import Foundation
import Glibc
import Testing

/// Processes that are killed, or stopped, while the server is asked without a pause.
@Suite(.lane, .slow) struct KillTests {
  /// Where a reload is when a process is struck.
  enum Phase: CaseIterable { case rest, settling, loading, starting, draining }

  private static func options(_ environment: String) -> ServerOptions {
    var options = ServerOptions(environment: environment)
    // What is tested here is that nobody waits for ever, not how long a loaded machine takes.
    options.arguments = ["--hold", "120"]
    return options
  }

  @Test(arguments: ["production", "development"], [SIGKILL, SIGSTOP])
  func anyProcessInAnyPhaseOfAReloadCostsNoMoreThanTheRequestsInAKilledWorker(
    environment: String, signal: Int32
  ) throws {
    let faults = try FaultSite()
    try faults.site.serve(Self.options(environment)) { server in
      let crowd = Crowd(port: server.port)
      var workersKilled = 0
      // In development nobody is in a worker while a reload is under way: one phase after another shows the same.
      for phase in Phase.allCases where environment == "production" || phase != .draining {
        for part in Part.allCases {
          let struck = try strike(part, signal, phase, faults, server, crowd)
          if part == .worker, signal == SIGKILL, struck { workersKilled += 1 }
        }
      }
      let outcome = crowd.stop()
      #expect(outcome.wrong.isEmpty && outcome.overtaken == 0 && outcome.stuck == 0, "\(outcome)\n\(server)")
      #expect(outcome.lost.count <= workersKilled, "after \(workersKilled) workers killed: \(outcome)\n\(server)")
      #expect(outcome.refused.isEmpty, "\(outcome)\n\(server)")
      #expect(server.isWhole(workers: 2), "\(server)")
    }
  }

  /// Strikes one process while a reload is in a phase; then the reload has to come to its end, and all to be whole again.
  /// False if there was no such process.
  private func strike(
    _ part: Part, _ signal: Int32, _ phase: Phase, _ faults: FaultSite, _ server: Server, _ crowd: Crowd
  ) throws -> Bool {
    var end: (() throws -> Int)?
    var waiting: Connection?
    defer { faults.openAll() }
    switch phase {
    case .rest: break
    case .settling: end = try faults.beginSave()
    case .loading, .starting:
      try faults.hold(phase == .loading ? .load : .start)
      try faults.save()
      _ = try faults.awaitHeld(at: phase == .loading ? .load : .start)
    case .draining:
      try faults.hold(.request)
      waiting = try server.connect()
      try waiting?.request("GET", "/hold")
      _ = try faults.awaitHeld(at: .request)
      let next = try faults.save()
      guard eventually(within: 60, { crowd.newest >= next }) else { throw Stuck("\(next) answers nobody") }
    }
    // The one that is held, where it is of that kind.
    let held = Set(FaultSite.Gate.allCases.flatMap { faults.held(at: $0) })
    let candidates = server.processes(part)
    let victim = candidates.first { held.contains($0) } ?? candidates.last
    if let victim { kill(victim, signal) }
    faults.openAll()
    let generation = try end?() ?? faults.saved
    let what = "\(part) struck by \(signal) while \(phase)"
    guard eventually(within: 40, { crowd.newest >= generation }) else {
      throw Stuck("\(what): generation \(generation) does not serve\n\(crowd.stop(within: 5))")
    }
    if victim != nil, waiting == nil || part != .worker || signal == SIGSTOP {
      #expect(crowd.goesOn(), "\(what)\n\(server)")
    }
    // A further reload works, too, before anybody lets the stopped one go on.
    let next = try faults.save()
    guard eventually(within: 40, { crowd.newest >= next }) else {
      throw Stuck("\(what): no further reload\n\(crowd.stop(within: 5))")
    }
    server.continueAll()
    if let waiting {
      let answer = try? waiting.response()
      let mayBeLost = part == .worker && signal == SIGKILL
      #expect(answer?.status == 200 || mayBeLost, "\(what): \(answer as Any)\n\(server)")
    }
    return victim != nil
  }
}
