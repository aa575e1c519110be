import Foundation

/// What has become of the edits that were played.
struct PatchTally: CustomStringConvertible {
  /// Why an edit is not compared. `Documentation/Patching.md` tells these.
  enum Reason: String, CaseIterable {
    case mainProgram = "the main program changed: restarted"
    case searchPath = "another file stands first in @INC: restarted"
    case isGone = "a fresh start fails: a loaded file is gone"
    case isNotFollowed = "a fresh start fails: what was listed or looked for is not followed"
    case isCircle = "a fresh start fails: files that use each other in a circle"
    case hasEnded = "the program has called exit in what it loaded for the first time"
    case hasNotStarted = "a fresh start fails: there is no program yet"
  }

  /// Compared with a fresh start.
  var patched = 0
  /// Compared with what was before.
  var takenBack = 0
  /// What was said to them; compared with what was before.
  var refusals: [String: Int] = [:]
  /// Nothing that the program has loaded was changed, or what was taken back is still broken: it is what it was.
  var untouched = 0
  var passedOver: [Reason: Int] = [:]
  /// The edit, what was told, and the lines; empty if there is no difference.
  var difference: [String] = []

  mutating func passOver(_ reason: Reason) { passedOver[reason, default: 0] += 1 }

  /// With what became of another story.
  mutating func add(_ other: PatchTally) {
    patched += other.patched
    takenBack += other.takenBack
    untouched += other.untouched
    refusals.merge(other.refusals, uniquingKeysWith: +)
    passedOver.merge(other.passedOver, uniquingKeysWith: +)
  }

  var description: String {
    let refused = refusals.values.reduce(0, +)
    let asked = patched + takenBack + refused
    let share = asked == 0 ? 0 : Double(refused) * 100 / Double(asked)
    let left = passedOver.values.reduce(0, +)
    let reasons = Reason.allCases.compactMap { reason in passedOver[reason].map { "\($0) \(reason.rawValue)" } }
    return "\(patched + takenBack) compared (\(patched) patched, \(takenBack) taken back), "
      + "\(untouched) with nothing to patch, "
      + "\(refused) refused (\(String(format: "%.1f", share)) %), \(left) passed over"
      + (reasons.isEmpty ? "" : " (" + reasons.joined(separator: "; ") + ")")
  }
}
