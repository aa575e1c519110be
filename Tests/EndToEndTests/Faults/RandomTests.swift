import Foundation
import Glibc
import Testing

/// Processes of any kind are killed and stopped at random moments, while files are saved at random moments.
@Suite(.lane, .slow) struct RandomTests {
  @Test(arguments: ["production", "development"])
  func randomKillsAndStopsCostNoMoreThanTheRequestsInKilledWorkers(environment: String) throws {
    // A seed that found something can be tried again.
    let given = ProcessInfo.processInfo.environment["SEED"].flatMap { UInt64($0) }
    let seed = given ?? UInt64.random(in: 1...999_999)
    print("random faults in \(environment): SEED=\(seed)")
    var random = Seeded(seed)
    let faults = try FaultSite()
    var options = ServerOptions(environment: environment, workers: 3)
    options.arguments = ["--hold", "120"]
    try faults.site.serve(options) { server in
      let crowd = Crowd(port: server.port)
      var workersKilled = 0
      for _ in 0..<60 {
        usleep(UInt32.random(in: 0...30_000, using: &random))
        if UInt8.random(in: 0..<2, using: &random) == 0 { try faults.save() }
        usleep(UInt32.random(in: 0...30_000, using: &random))
        let part = Part.allCases.randomElement(using: &random)!
        guard let victim = server.processes(part).randomElement(using: &random) else { continue }
        if UInt8.random(in: 0..<2, using: &random) == 0 {
          if kill(victim, SIGKILL) == 0, part == .worker { workersKilled += 1 }
        } else {
          kill(victim, SIGSTOP)
          usleep(UInt32.random(in: 0...50_000, using: &random))
          if UInt8.random(in: 0..<8, using: &random) > 0 { kill(victim, SIGCONT) }
        }
      }
      server.continueAll()
      let generation = try faults.save()
      #expect(eventually(within: 60) { crowd.newest >= generation }, "SEED=\(seed)\n\(server)")
      #expect(crowd.goesOn(), "SEED=\(seed)\n\(server)")
      let outcome = crowd.stop()
      #expect(
        outcome.wrong.isEmpty && outcome.overtaken == 0 && outcome.stuck == 0, "SEED=\(seed): \(outcome)\n\(server)")
      #expect(outcome.refused.isEmpty, "SEED=\(seed): \(outcome)\n\(server)")
      #expect(
        outcome.lost.count <= workersKilled,
        "SEED=\(seed), after \(workersKilled) workers killed: \(outcome)\n\(server)")
      #expect(server.isWhole(workers: 3), "SEED=\(seed)\n\(server)")
    }
  }
}
