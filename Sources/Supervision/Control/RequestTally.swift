import ProcessProtocol

/// What the workers that are gone have counted. The living ones' counts are in their cells.
struct RequestTally: Equatable {
  /// Generations of which nothing is known any more are only in here.
  private(set) var all = RequestCounts()
  /// At most ``kept`` of them, the latest.
  private(set) var generations: [UInt64: RequestCounts] = [:]

  /// How many generations are told apart.
  static let kept = 3

  /// Takes in what a worker has counted that has ended.
  mutating func add(_ counts: RequestCounts, of generation: UInt64) {
    all.add(counts)
    generations[generation, default: RequestCounts()].add(counts)
    while generations.count > Self.kept, let oldest = generations.keys.min() { generations[oldest] = nil }
  }
}
