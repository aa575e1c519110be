/// Decides, while a load goes on, before which files checkpoints are left and which have to go again.
///
/// Pure: the loader asks before each watched file, forks, and says that it did. The first checkpoint never goes.
public struct CheckpointSpacing: Equatable, Sendable {
  private let files: Set<String>
  private let maximum: Int
  private var interval: UInt64
  /// The time of the newest checkpoint, in microseconds of load time.
  private var newest: UInt64?
  /// The positions of the checkpoints that stand, in order. `planned` ones stand before a file that the plan names.
  private var standing: [(position: Int, isPlanned: Bool)] = []

  /// Starts a load.
  ///
  /// - Parameters:
  ///   - plan: What the supervisor asked for.
  ///   - inherited: The trace positions of the checkpoints below the one from which this load goes on, and its own.
  public init(plan: LoadPlan, inherited: [Int] = []) {
    files = Set(plan.files)
    maximum = plan.maximum
    interval = plan.interval
    standing = inherited.sorted().map { ($0, false) }
  }

  /// The positions of the checkpoints that stand, in order.
  public var positions: [Int] { standing.map(\.position) }

  /// Whether a checkpoint is to be left now.
  ///
  /// - Parameters:
  ///   - file: The watched file that is about to be loaded.
  ///   - position: The trace position at which the checkpoint would stand.
  ///   - time: Microseconds since the load began.
  public func wantsCheckpoint(before file: String, position: Int, at time: UInt64) -> Bool {
    guard maximum > 0, standing.last.map({ $0.position < position }) ?? true else { return false }
    if standing.isEmpty { return true }
    if files.contains(file) { return standing.count < maximum || victim != nil }
    guard interval > 0, maximum > 1 else { return false }
    return time >= (newest ?? 0) + interval
  }

  /// A checkpoint was left.
  ///
  /// - Returns: The positions of the checkpoints that have to go for it.
  public mutating func left(before file: String, position: Int, at time: UInt64) -> [Int] {
    standing.append((position, files.contains(file)))
    newest = time
    guard standing.count > maximum else { return [] }
    return interval > 0 ? thinOut() : dropOne()
  }

  /// Doubles the interval and drops every second checkpoint, except the first and those that the plan names.
  private mutating func thinOut() -> [Int] {
    interval *= 2
    var dropped: [Int] = []
    var dropsNext = true
    let last = standing.count - 1
    var kept: [(position: Int, isPlanned: Bool)] = []
    for (index, checkpoint) in standing.enumerated() {
      if index == 0 || index == last || checkpoint.isPlanned || !dropsNext {
        kept.append(checkpoint)
        if index > 0 && !checkpoint.isPlanned { dropsNext = true }
      } else {
        dropped.append(checkpoint.position)
        dropsNext = false
      }
    }
    standing = kept
    return dropped.isEmpty ? dropOne() : dropped
  }

  private mutating func dropOne() -> [Int] {
    // Where everything that stands was asked for, the newest gives way to those before it.
    let index = victim ?? standing.count - 1
    return [standing.remove(at: index).position]
  }

  /// The checkpoint that can best be spared: not the first, not planned, and closest to the one before it.
  private var victim: Int? {
    standing.indices.dropFirst().filter { !standing[$0].isPlanned }.min {
      standing[$0].position - standing[$0 - 1].position < standing[$1].position - standing[$1 - 1].position
    }
  }

  /// Two spacings are equal when they would decide alike.
  public static func == (one: CheckpointSpacing, other: CheckpointSpacing) -> Bool {
    one.files == other.files && one.maximum == other.maximum && one.interval == other.interval
      && one.newest == other.newest && one.positions == other.positions
      && one.standing.map(\.isPlanned) == other.standing.map(\.isPlanned)
  }
}
