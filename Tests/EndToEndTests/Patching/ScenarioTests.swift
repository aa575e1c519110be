import Foundation
import Testing

/// What can happen to a running program's files, each a Perl program in `Scenarios`: it saves files, loads them, saves them
/// again and compares what runs with what a fresh start would run. `RELOADER` runs the same under other reloaders.
@Suite(.lane) struct ScenarioTests {
  private static let directory = Products.sourceTree + "/Tests/EndToEndTests/Patching/Scenarios"

  private static let scenarios = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [])
    .filter { $0.hasSuffix(".pl") }.sorted()

  /// What random edits (`make fuzz-patch`) have found, mended since.
  private static let found = ((try? FileManager.default.contentsOfDirectory(atPath: directory + "/found")) ?? [])
    .filter { $0.hasSuffix(".pl") }.sorted().map { "found/" + $0 }

  @Test func thereAreScenarios() { #expect(Self.scenarios.count > 30) }

  @Test(arguments: scenarios + found) func rightUnderNacre(_ scenario: String) throws {
    let run = try Patched.run([Self.directory + "/" + scenario], include: [Self.directory])
    #expect(run.end == .code(0) && run.output.isEmpty && run.errors.isEmpty, "\(scenario): \(run.output)\(run.errors)")
  }
}

/// Programs in plain perl that load Nacre.pm from the source tree.
enum Patched {
  static func run(_ arguments: [String], include: [String] = [], directory: String = "/") throws -> Command {
    try Command.run(
      [Products.perl] + ([Products.sourceTree + "/perl/lib"] + include).flatMap { ["-I", $0] } + arguments,
      directory: directory, environment: ["NACRE_LIBRARY": Products.directory + "/libNacre.so"])
  }
}
