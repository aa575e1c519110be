import Equivalence
import Foundation
import Synchronization
import Testing

/// Made-up applications, edited at random: after each patch the code is that of a fresh start, and after each failed one
/// everything is as it was before. `make fuzz-patch EDITS=n SEED=s` plays others than these.
@Suite(.lane) struct PatchEquivalenceTests {
  private static let length = 25
  private static let variables = ProcessInfo.processInfo.environment

  static let seeds: [UInt64] = {
    let first = variables["SEED"].flatMap { UInt64($0) } ?? 1
    let edits = variables["EDITS"].flatMap { Int($0) } ?? 100
    // Without classes of Moo and libraries of the story.
    return Array((first...).lazy.filter { [1, 2, 3, 4, 7].contains($0 % 10) }.prefix((edits + length - 1) / length))
  }()

  /// What the stories that are over came to.
  private static let total = Mutex((stories: 0, different: 0, tally: PatchTally()))

  @Test(.slow, arguments: seeds) func codeIsThatOfAFreshStart(_ seed: UInt64) throws {
    let tally = try PatchPlayer(Story(seed: seed, edits: Self.length)).play()
    if !tally.difference.isEmpty {
      Issue.record("seed \(seed): \(tally)\n\(tally.difference.prefix(40).joined(separator: "\n"))")
    }
    let all = Self.total.withLock { total in
      total.stories += 1
      total.different += tally.difference.isEmpty ? 0 : 1
      total.tally.add(tally)
      return total
    }
    guard Self.variables["SEED"] != nil else { return }
    print("fuzz-patch: seed \(seed): \(tally.difference.isEmpty ? "equal" : "DIFFERS"), \(tally)")
    if all.stories == Self.seeds.count {
      print("fuzz-patch: \(all.stories) stories, \(all.different) with a difference: \(all.tally)")
      for (refusal, count) in all.tally.refusals.sorted(by: { $0.value > $1.value }) {
        print("fuzz-patch: \(count) \(refusal)")
      }
    }
  }
}
