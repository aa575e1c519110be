import Equivalence
import Foundation
import Testing

/// Made-up applications, edited at random: after each edit both workers are what a fresh perl is.
///
/// `make fuzz EDITS=n SEED=s` plays others than these.
@Suite(.lane) struct EquivalenceTests {
  /// Which stories are played.
  static let seeds: [UInt64] = {
    let variables = ProcessInfo.processInfo.environment
    // 300 edits. One story with --preload is enough here: such take four times as long.
    guard isAsked else { return (1...13).filter { $0 != 10 } }
    let first = variables["SEED"].flatMap { UInt64($0) } ?? 1
    let edits = variables["EDITS"].flatMap { Int($0) } ?? 300
    let step = variables["STEP"].flatMap { UInt64($0) } ?? 1
    return (0..<UInt64((edits + length - 1) / length)).map { first + $0 * step }
  }()
  /// Whether somebody asks for certain stories, and watches.
  private static let isAsked =
    ["SEED", "EDITS", "STEP"].contains { ProcessInfo.processInfo.environment[$0] != nil }
  private static let length = 25
  private static let played = Counter(0)

  @Test(.slow, arguments: seeds) func everyWorkerIsWhatAFreshStartIs(_ seed: UInt64) throws {
    let story = Story(seed: seed, edits: Self.length)
    let outcome = try StoryPlayer.play(story)
    if Self.isAsked { Self.tell(story, outcome) }
    guard let difference = outcome.difference else { return }
    Issue.record("\(Self.report(story, difference))")
  }

  private static func tell(_ story: Story, _ outcome: StoryPlayer.Outcome) {
    let result = outcome.difference.map { "DIFFERS at edit \($0.edit)" } ?? "equal"
    let kind = story.isProduction ? " (production)" : story.preloads ? " (preload)" : ""
    let preloaded =
      !story.preloads
      ? ""
      : ", after \(outcome.preloaded) of \(outcome.rests) rests preloaded, \(outcome.hot) with hot files last\(outcome.reason.map { " (off: \($0))" } ?? "")"
    let number = played.add(outcome.edits)
    let line =
      "fuzz: seed \(story.seed)\(kind): \(result), good \(outcome.good), broken "
      + "\(outcome.broken), \(outcome.generations) generations\(preloaded); \(number) edits so far\n"
    // At once: somebody watches, and what depends on the moment may not show again while it is shrunk.
    let lines = outcome.difference?.lines.prefix(60).map { String($0.prefix(1500)) + "\n" } ?? []
    FileHandle.standardError.write(Data((line + lines.joined()).utf8))
  }

  @Test(.slow) func mostStoriesBeginWell() throws {
    for seed in UInt64(1)...40 {
      let story = Story(seed: seed, edits: 1)
      let site = try Site(story.files, include: ["early", "lib", FreshPerl.perlFiles])
      let vendor = try VendorSite(site, vendor: story.libraries)
      let perl = try FreshPerl(
        site, perl: vendor.perl, environment: testEnvironment.merging(["SITE": site.path]) { $1 }, lazily: false)
      if case .failed(let message) = try perl.result() { Issue.record("seed \(seed): \(message)") }
    }
  }

  /// Everything that is needed to see what happened, in as few edits and files as can be found within a minute.
  private static func report(_ story: Story, _ difference: StoryPlayer.Difference) -> String {
    let end = ContinuousClock.now + .seconds(60)
    var smallest = difference
    let shrunk = story.shrunk(failingAt: max(0, difference.edit)) { smaller in
      guard ContinuousClock.now < end, let again = try? StoryPlayer.play(smaller).difference,
        again.kind == difference.kind
      else { return false }
      smallest = again
      return true
    }
    let command = "make fuzz SEED=\(story.seed) EDITS=\(length)"
    let files = shrunk.files.keys.sorted().joined(separator: " ")
    return """
      The server differs from a fresh start (- fresh, + server). Seed \(story.seed), edit \(difference.edit) of \(length); repeat with
          \(command)
      \(difference.lines.prefix(60).map { String($0.prefix(1500)) }.joined(separator: "\n"))
      after
      \(story.edits.prefix(difference.edit + 1).suffix(5).map(\.description).joined(separator: "\n"))

      Shrunk to \(shrunk.edits.count) edits and \(shrunk.files.count) files (\(files)):
      \(shrunk.edits.map(\.description).joined(separator: "\n"))
      which shows
      \(smallest.lines.prefix(30).map { String($0.prefix(400)) }.joined(separator: "\n"))
      """
  }
}
