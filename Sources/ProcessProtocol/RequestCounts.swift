import CLinux

/// How many requests a worker has answered, and how long they took.
public struct RequestCounts: Equatable, Sendable {
  /// The upper bounds of the histogram's buckets in nanoseconds; what took longer is in one more bucket.
  public static let bounds: [UInt64] = [
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
    1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
  ]
  /// 1xx to 5xx, and what the application gave another status.
  public static let classCount = 6

  /// By the first digit of the status; the last for others.
  public var classes = [UInt64](repeating: 0, count: Self.classCount)
  /// By duration, each without those of the buckets before.
  public var buckets = [UInt64](repeating: 0, count: Self.bounds.count + 1)
  /// The durations together.
  public var nanoseconds: UInt64 = 0

  /// Nothing yet.
  public init() {}

  /// The number of requests.
  public var total: UInt64 { classes.reduce(0, +) }

  /// Adds what another worker has counted.
  public mutating func add(_ other: RequestCounts) {
    for index in classes.indices { classes[index] &+= other.classes[index] }
    for index in buckets.indices { buckets[index] &+= other.buckets[index] }
    nanoseconds &+= other.nanoseconds
  }

  /// The class that a status is counted in.
  static func index(ofStatus status: Int) -> Int { (100..<600).contains(status) ? status / 100 - 1 : classCount - 1 }
}

extension ScoreboardCell {
  /// The words of the counts: the classes, then the durations together, then the buckets. They have cache lines of
  /// their own, which nobody reads but whoever asks for the counts.
  private static let countsOffset = 1024

  private func count(_ index: Int) -> UnsafeMutablePointer<UInt64> {
    (base + Self.countsOffset + index * 8).assumingMemoryBound(to: UInt64.self)
  }

  /// Counts a request that was answered with this status after so many nanoseconds. Only the cell's worker writes here,
  /// so that a load and a store do.
  public func count(status: Int, nanoseconds: UInt64) {
    increase(RequestCounts.index(ofStatus: status), by: 1)
    increase(RequestCounts.classCount, by: nanoseconds)
    var bucket = 0
    while bucket < RequestCounts.bounds.count, nanoseconds > RequestCounts.bounds[bucket] { bucket += 1 }
    increase(RequestCounts.classCount + 1 + bucket, by: 1)
  }

  private func increase(_ index: Int, by number: UInt64) {
    let word = count(index)
    cl_store64(word, cl_load64(word) &+ number)
  }

  /// What the worker has counted.
  public var counts: RequestCounts {
    var counts = RequestCounts()
    for index in counts.classes.indices { counts.classes[index] = cl_load64(count(index)) }
    counts.nanoseconds = cl_load64(count(RequestCounts.classCount))
    for index in counts.buckets.indices {
      counts.buckets[index] = cl_load64(count(RequestCounts.classCount + 1 + index))
    }
    return counts
  }
}
