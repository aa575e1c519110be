/// Decides when a burst of changes (a save, a checkout, an rsync) is over, so that it becomes one generation.
///
/// Pure: the caller says what it saw and when, and asks when to act. Times are nanoseconds of any one steady clock.
public struct Settling: Equatable, Sendable {
  /// The bounds, in nanoseconds.
  public struct Limits: Equatable, Sendable {
    /// How long it must have been quiet after a finished save (a rename, a close).
    public var quiet: UInt64
    /// How long to wait for a writer who has not closed the file yet.
    public var writer: UInt64
    /// How long a burst may last before it is examined anyway.
    public var burst: UInt64

    /// Makes limits; by default 15 ms, 200 ms and 2 s.
    public init(quiet: UInt64 = 15_000_000, writer: UInt64 = 200_000_000, burst: UInt64 = 2_000_000_000) {
      self.quiet = quiet
      self.writer = writer
      self.burst = burst
    }
  }

  private enum State: Equatable, Sendable {
    case quiet
    case restless(since: UInt64, last: UInt64, writersAtWork: Bool)
  }

  private let limits: Limits
  private var state = State.quiet

  /// Starts quiet.
  public init(limits: Limits = Limits()) { self.limits = limits }

  /// Something relevant happened.
  ///
  /// - Parameters:
  ///   - now: When it was seen.
  ///   - writersAtWork: Whether some file has been written to, but not closed, as of now.
  public mutating func note(at now: UInt64, writersAtWork: Bool) {
    switch state {
    case .quiet: state = .restless(since: now, last: now, writersAtWork: writersAtWork)
    case .restless(let since, _, _): state = .restless(since: since, last: now, writersAtWork: writersAtWork)
    }
  }

  /// When to examine what happened; nil if nothing did.
  public var readyAt: UInt64? {
    guard case .restless(let since, let last, let writersAtWork) = state else { return nil }
    return min(last + (writersAtWork ? limits.writer : limits.quiet), since + limits.burst)
  }

  /// Whether it is time to examine what happened.
  public func isReady(at now: UInt64) -> Bool { readyAt.map { $0 <= now } ?? false }

  /// What happened so far is being examined: whatever comes next is a new burst.
  public mutating func examined() { state = .quiet }
}
