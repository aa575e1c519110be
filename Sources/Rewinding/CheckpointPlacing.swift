import Glibc
import ReloadModel

/// Decides, while a load runs, before which files a checkpoint is left.
struct CheckpointPlacing {
  private var files: Set<String> = []
  private var spacing = CheckpointSpacing(interval: 0, maximum: 1)
  private var positions: [Int] = []
  private var last: UInt64 = 0

  /// Takes up a plan; the checkpoints that were left before `position` are inherited.
  mutating func follow(_ plan: LoadPlan, at position: Int) {
    files = Set(plan.files)
    positions.removeAll { $0 > position }
    spacing = CheckpointSpacing(interval: plan.interval, maximum: plan.maximum, positions: positions)
    last = Clock.microseconds()
  }

  /// Whether one is to be left before this watched file.
  func wants(_ file: String, at position: Int) -> Bool {
    guard positions.last != position else { return false }
    if positions.isEmpty || files.contains(file) { return true }
    return spacing.wants(after: Clock.microseconds() - last)
  }

  /// One was left. Returns the positions of those that are to go to make room.
  mutating func left(at position: Int) -> [Int] {
    last = Clock.microseconds()
    let dropped = spacing.left(at: position)
    positions.append(position)
    positions.removeAll(where: dropped.contains)
    return dropped
  }
}

private struct CheckpointSpacing {
  var interval: UInt64
  var maximum: Int
  var positions: [Int] = []
  func wants(after elapsed: UInt64) -> Bool { interval > 0 && elapsed >= interval }
  mutating func left(at position: Int) -> [Int] {
    positions.append(position)
    guard positions.count > maximum else { return [] }
    interval *= 2
    let dropped = positions.indices.filter { $0 % 2 == 1 }.map { positions[$0] }
    positions.removeAll(where: dropped.contains)
    return dropped
  }
}
