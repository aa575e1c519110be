/// Whose load compiled which string evals. perl numbers them in the order in which it compiles them.
struct EvalRanges {
  /// Those that were compiled while a file was being loaded.
  private struct Range {
    var first: UInt32
    var last: UInt32
    var file: Int
  }

  private var ranges: [Range] = []
  private var before: [Range] = []

  /// The load of a file is over: it has compiled those from `first` to `last`, if there are any.
  mutating func add(_ first: UInt32, through last: UInt32, of file: Int) {
    if first <= last { ranges.append(Range(first: first, last: last, file: file)) }
  }

  mutating func forget(_ file: Int) { ranges.removeAll { $0.file == file } }

  /// What was compiled for a file is another one's.
  mutating func give(from file: Int, to other: Int) {
    for index in ranges.indices where ranges[index].file == file { ranges[index].file = other }
  }

  /// Whether there are any of these files.
  func contains(_ files: Set<Int>) -> Bool { ranges.contains { files.contains($0.file) } }

  /// The file whose load compiled a string eval: of several, the one that was loaded for the others.
  func owner(of eval: UInt32) -> Int? {
    var best: Range?
    for range in ranges where range.first <= eval && eval <= range.last {
      if best.map({ range.last - range.first < $0.last - $0.first }) ?? true { best = range }
    }
    return best?.file
  }

  /// A patch begins.
  mutating func remember() { before = ranges }

  /// The patch is over; `restoring`: everything is to be as it was.
  mutating func forget(restoring: Bool) {
    if restoring { ranges = before }
    before = []
  }
}
