/// How many checkpoints may stand beside the mold of an earlier generation, and which of them go first: both together are
/// to hold about as much memory as the checkpoints of a fresh start.
///
/// The mold is kept for a roll back, and shares with the running generation what both had loaded when they parted. Of an
/// application of 1,000 modules (140 MiB) the rest is as large as its share of the load, and some MiB; sixteen checkpoints
/// hold 67 MiB that nobody else has. So a whole mold weighs as much as thirty-two of them.
public struct CheckpointAllowance: Equatable, Sendable {
  /// As many as a fresh start leaves.
  public var most: Int

  /// Makes an allowance.
  public init(most: Int) { self.most = most }

  /// Fewer than this save little, and the next generation would have to be loaded from far back, so that it shared even
  /// less with this one.
  private var least: Int { max(1, most / 4) }

  /// How many checkpoints may stand beside an earlier generation.
  ///
  /// - Parameters:
  ///   - shared: How many of the earlier generation's events both have in common.
  ///   - events: How many it has.
  public func count(sharing shared: Int, of events: Int) -> Int {
    guard events > 0 else { return most }
    let weight = 2 + 32 * (events - min(shared, events)) / events
    return min(most, max(least, most - weight))
  }

  /// Which checkpoints have to go so that no more than `count` are left. The first never does, nor that before the file
  /// that was edited last; then those before other edited files stay, as far as they are not more than half, and of
  /// the others those that are farthest from their neighbours.
  ///
  /// - Parameters:
  ///   - positions: The trace positions of all checkpoints, in order.
  ///   - end: The number of events of the trace.
  ///   - edited: The trace positions of the files that were edited last, the latest first.
  public static func surplus(of positions: [Int], leaving count: Int, end: Int, edited: [Int]) -> [Int] {
    var standing = positions
    let needed = edited.compactMap { file in positions.last { $0 <= file } }
    let kept = Set(needed.prefix(max(1, count / 2)))
    var surplus: [Int] = []
    while standing.count > count {
      let spare = standing.indices.dropFirst()
      guard
        let index = spare.filter({ !kept.contains(standing[$0]) }).min(by: {
          stretch(at: $0, standing, end) < stretch(at: $1, standing, end)
        }) ?? spare.first(where: { standing[$0] != needed.first })
      else { break }
      surplus.append(standing.remove(at: index))
    }
    return surplus.sorted()
  }

  /// From the checkpoint before this one to the one after it.
  private static func stretch(at index: Int, _ positions: [Int], _ end: Int) -> Int {
    (index + 1 < positions.count ? positions[index + 1] : end) - positions[index - 1]
  }
}

extension LoadTrace {
  /// Where each of these files first came into the load, in their order; those that never did have no place.
  public func positions(of files: [String]) -> [Int] {
    var wanted = Set(files)
    var positions: [String: Int] = [:]
    for (position, event) in events.enumerated() {
      if wanted.isEmpty { break }
      if event.tellsContent, wanted.remove(event.path) != nil { positions[event.path] = position }
    }
    return files.compactMap { positions[$0] }
  }
}
