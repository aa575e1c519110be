extension LoadPlan {
  /// The plan of a load about which nothing is known yet: checkpoints every 5 ms of load time, then every 10 ms, and
  /// so on.
  public static func first(maximum: Int, lastEdited: [String] = []) -> LoadPlan {
    var plan = LoadPlan(files: lastEdited, interval: 5000, maximum: maximum)
    plan.hottest = lastEdited.first
    return plan
  }

  /// What a checkpoint costs every load that leaves it, in microseconds: a fork, and copies of the pages that the load writes
  /// to next. Both grow with the application: 7 to 12 ms where it loads for 225 ms and has 70 MB.
  private static func cost(in total: UInt64) -> Double { 2000 + Double(total) / 45 }

  /// The shortest stretch of a load that is worth dividing, in microseconds: a load of `total` with `n` checkpoints
  /// spends `n * cost` on them, and an edit anywhere loads `total / 2n` more than it must, which together are least for
  /// stretches of the square root of `2 * total * cost`.
  private static func worthwhile(in total: UInt64) -> UInt64 {
    max(4000, UInt64((2 * Double(total) * cost(in: total)).squareRoot()))
  }

  /// The plan of a load like one that is known: before the first watched file, before those that were edited last, and
  /// then wherever the longest stretch of load time without a checkpoint is best divided.
  ///
  /// - Parameters:
  ///   - trace: The known load, of the running generation.
  ///   - position: Where in it the load begins; 0, or that of the checkpoint from which it goes on.
  ///   - standing: The checkpoints up to there, which the load inherits.
  ///   - maximum: The most checkpoints that may exist at once.
  ///   - lastEdited: The files that were edited last, the latest first; at most half of the checkpoints go to them.
  public init(
    like trace: LoadTrace, from position: Int = 0, standing: Int = 0, maximum: Int, lastEdited: [String] = []
  ) {
    self.init(files: [], interval: 0, maximum: maximum)
    // What lies before the checkpoint is not loaded again, so it is not looked at.
    let rest = position == 0 ? trace : LoadTrace(trace.events.dropFirst(position))
    let (starts, total) = rest.startTimes()
    guard !starts.isEmpty, maximum > 0 else { return }
    var numbers: [String: Int] = [:]
    for (number, start) in starts.enumerated() { numbers[start.file] = number }
    var chosen: Set<Int> = position == 0 ? [0] : []
    let edited = rest.lastStarts(before: lastEdited, among: starts)
    hottest = edited.first
    for start in edited where chosen.count <= maximum / 2 {
      if let number = numbers[start] { chosen.insert(number) }
    }
    let times = starts.map(\.time)
    var stretches = Self.stretches(of: times, total: total, dividedAt: chosen.sorted())
    let least = Self.worthwhile(in: total)
    while chosen.count < maximum - standing, let longest = stretches.indices.max(by: { stretches[$0] < stretches[$1] }),
      stretches[longest].end - stretches[longest].begin >= least, let divider = stretches[longest].divider
    {
      chosen.insert(divider)
      let stretch = stretches.remove(at: longest)
      stretches.append(Stretch(stretch.numbers.lowerBound..<divider, stretch.begin..<times[divider], times))
      stretches.append(Stretch(divider + 1..<stretch.numbers.upperBound, times[divider]..<stretch.end, times))
    }
    files = chosen.sorted().map { starts[$0].file }
  }

  /// A stretch of load time without a checkpoint, and the starts in it.
  private struct Stretch: Comparable {
    var numbers: Range<Int>
    var begin: UInt64
    var end: UInt64
    /// The start that divides it closest to its middle; nil if it cannot be divided.
    var divider: Int?

    init(_ numbers: Range<Int>, _ span: Range<UInt64>, _ times: [UInt64]) {
      (self.numbers, begin, end) = (numbers, span.lowerBound, span.upperBound)
      let middle = begin + (end - begin) / 2
      var nearest = UInt64.max
      for number in numbers where times[number] > begin {
        let distance = times[number] > middle ? times[number] - middle : middle - times[number]
        if distance < nearest { (nearest, divider) = (distance, number) }
      }
    }

    /// Longer ones that can be divided come last; of equal ones the earliest.
    static func < (one: Stretch, other: Stretch) -> Bool {
      let lengths = (one.divider == nil ? 0 : one.end - one.begin, other.divider == nil ? 0 : other.end - other.begin)
      return lengths.0 == lengths.1 ? one.begin > other.begin : lengths.0 < lengths.1
    }
  }

  private static func stretches(of times: [UInt64], total: UInt64, dividedAt chosen: [Int]) -> [Stretch] {
    var stretches: [Stretch] = []
    var (first, begin): (Int, UInt64) = (0, 0)
    for divider in chosen {
      stretches.append(Stretch(first..<divider, begin..<times[divider], times))
      (first, begin) = (divider + 1, times[divider])
    }
    stretches.append(Stretch(first..<times.count, begin..<max(begin, total), times))
    return stretches
  }
}

extension LoadTrace {
  /// A moment before which a checkpoint can be left.
  struct Start {
    /// The source file that is loaded next, the file that is read or the directory that is listed.
    var file: String
    /// The trace position.
    var position: Int
    /// In microseconds from the start of the first source file.
    var time: UInt64
  }

  /// The last start before each of these files came into the load, in their order; those that never did have none.
  func lastStarts(before files: [String], among starts: [Start]) -> [String] {
    positions(of: files).compactMap { position in starts.last { $0.position <= position }?.file }
  }

  /// When source files began to load, files were read and directories listed, each path once, in order, and how long
  /// the whole load took.
  ///
  /// The trace holds durations, not times. A file's own time (without the source files that it loaded) is taken to be
  /// spent in the libraries that it loaded, where they stand, and what is left at its end: files use first and
  /// work afterwards.
  func startTimes() -> (starts: [Start], total: UInt64) {
    let loads = loads()
    var starts: [Start] = []
    var seen: Set<String> = []
    var clock: UInt64 = 0
    for step in loads.steps {
      switch step {
      case .began(let file, let position), .looked(let file, let position):
        if seen.insert(file).inserted { starts.append(Start(file: file, position: position, time: clock)) }
      case .library(let load, let microseconds): clock += loads.all[load].spend(microseconds)
      case .ended(let load): clock += loads.all[load].rest
      }
    }
    return (starts, clock)
  }

  /// One load of one source file.
  private struct Load {
    var file: String
    /// Its whole time.
    var inclusive: UInt64 = 0
    /// The time of the source files that it loaded.
    var nested: UInt64 = 0
    /// The sum of the times of libraries that it loaded; libraries that load libraries are counted twice.
    var libraries: UInt64 = 0

    var own: UInt64 { inclusive > nested ? inclusive - nested : 0 }
    /// What of its own time went to a library, scaled so that all libraries together fit.
    func spend(_ microseconds: UInt64) -> UInt64 {
      libraries <= own ? microseconds : UInt64(Double(microseconds) * Double(own) / Double(libraries))
    }
    var rest: UInt64 { own > libraries ? own - libraries : 0 }
  }

  private enum Step {
    case began(file: String, position: Int)
    case looked(at: String, position: Int)
    case library(Int, UInt64)
    case ended(Int)
  }

  private func loads() -> (all: [Load], steps: [Step]) {
    var all: [Load] = []
    var steps: [Step] = []
    var open: [Int] = []
    for (position, event) in events.enumerated() {
      switch event {
      case .began(let file, _, _, _, _):
        open.append(all.count)
        steps.append(.began(file: file, position: position))
        all.append(Load(file: file))
      case .ended(let file, _, let microseconds):
        // A load that was left by an exception further out has no end of its own.
        while let load = open.popLast() {
          steps.append(.ended(load))
          guard all[load].file == file else { continue }
          all[load].inclusive = microseconds
          if let outer = open.last { all[outer].nested += microseconds }
          break
        }
      case .library(_, _, let microseconds):
        guard let load = open.last else { continue }
        all[load].libraries += microseconds
        steps.append(.library(load, microseconds))
      case .read(let path, _), .listed(let path, _): steps.append(.looked(at: path, position: position))
      default: break
      }
    }
    return (all, steps)
  }
}

extension TraceEvent {
  /// Whether it depends on what is in the file or directory, not only on whether it is there.
  var tellsContent: Bool {
    switch self {
    case .began, .read, .measured, .listed: true
    case .ended, .missing, .tested, .written, .library, .used, .entered: false
    }
  }
}
