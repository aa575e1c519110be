/// Decides when a burst of changes (a save, a checkout, an rsync) is over, so that it becomes one generation.
///
/// One finished save of one file needs no quiet time: a wrong guess costs another reload, and no more. Whatever comes soon
/// after such a guess waits, so that many files that arrive one after another are guessed about once.
///
/// Pure: the caller says what it saw and when, and asks when to act. Times are nanoseconds of any one steady clock.
public struct Settling: Equatable, Sendable {
  /// The bounds, in nanoseconds.
  public struct Limits: Equatable, Sendable {
    /// How long it must have been quiet after a finished save (a rename, a close), where it may not be the only one.
    public var quiet: UInt64
    /// How long to wait for a writer who has not closed the file yet.
    public var writer: UInt64
    /// How long a burst may last before it is examined anyway.
    public var burst: UInt64
    /// How long after a burst a save is taken for a part of it.
    public var calm: UInt64

    /// Makes limits; by default 15 ms, 200 ms, 2 s and 100 ms.
    public init(
      quiet: UInt64 = 15_000_000, writer: UInt64 = 200_000_000, burst: UInt64 = 2_000_000_000,
      calm: UInt64 = 100_000_000
    ) {
      self.quiet = quiet
      self.writer = writer
      self.burst = burst
      self.calm = calm
    }
  }

  private struct Burst: Equatable, Sendable {
    var since: UInt64
    var last: UInt64
    var writersAtWork = false
    var progress = SaveProgress()
  }

  private let limits: Limits
  /// What has not been examined; nil: it is quiet.
  private var burst: Burst?
  /// When the last event was that has been examined.
  private var examinedUpTo: UInt64?

  /// Starts quiet.
  public init(limits: Limits = Limits()) { self.limits = limits }

  /// Something relevant happened.
  ///
  /// - Parameters:
  ///   - now: When it was seen.
  ///   - writersAtWork: Whether some file has been written to, but not closed, as of now.
  ///   - steps: What happened to which files; nil if only that something did is known.
  public mutating func note(at now: UInt64, writersAtWork: Bool, steps: [SaveStep]? = nil) {
    var next = burst ?? Burst(since: now, last: now)
    next.last = now
    next.writersAtWork = writersAtWork
    next.progress.add(steps)
    burst = next
  }

  /// Whether all that happened is one finished save, as far as can be told.
  public var isOneSave: Bool {
    guard let burst, !burst.writersAtWork, burst.progress.isOneSave else { return false }
    return examinedUpTo.map { burst.since >= $0 + limits.calm } ?? true
  }

  /// When to examine what happened; nil if nothing did.
  public var readyAt: UInt64? {
    guard let burst else { return nil }
    if isOneSave { return burst.last }
    return min(burst.last + (burst.writersAtWork ? limits.writer : limits.quiet), burst.since + limits.burst)
  }

  /// Whether it is time to examine what happened.
  public func isReady(at now: UInt64) -> Bool { readyAt.map { $0 <= now } ?? false }

  /// What happened so far is being examined: whatever comes next is a new burst.
  public mutating func examined() {
    if let burst { examinedUpTo = burst.last }
    burst = nil
  }

  /// Until when it is only a guess that what was examined last is all.
  public var isGuessUntil: UInt64 { examinedUpTo.map { $0 + limits.quiet } ?? 0 }
}
