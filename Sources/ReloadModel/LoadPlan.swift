/// Where a load leaves checkpoints.
///
/// One always stands before the first watched file. On the first load, when nothing is known, the rest is spread by a
/// time interval that doubles whenever the bound is reached (every second checkpoint is then dropped). Later loads
/// know the load times of the running generation and get the chosen files by name.
public struct LoadPlan: Equatable, Sendable {
  /// The files before which a checkpoint is left.
  public var files: [String]
  /// The interval of the first load in microseconds; 0 turns spreading by time off.
  public var interval: UInt64
  /// The most checkpoints that may exist at once, those inherited from the generation that is rewound included.
  public var maximum: Int
  /// The one of them behind which the file was edited last: the next save leads there, most likely.
  public var hottest: String?
  /// What a cold start loads before the application; empty for a load in natural order, and in a rewind, which goes on
  /// in the order in which it was begun.
  public var preload = PreloadOrder()
  /// Whether the load is only to show something: what it prints is not shown, it gives way to everything else, and all
  /// that speaks against its preload is collected.
  public var isTrial = false

  /// Makes a plan.
  public init(files: [String], interval: UInt64, maximum: Int) {
    self.files = files
    self.interval = interval
    self.maximum = maximum
  }
}

/// Why a generation could not be built, with what a person needs to put it right.
public struct LoadFailure: Hashable, Sendable, Error {
  /// What went wrong.
  public enum Cause: UInt8, Sendable {
    /// perl could not compile a file, or its code died.
    case died
    /// The code called `exit` (or `POSIX::_exit`); `status` is what it asked for.
    case exited
    /// A signal ended the process; `status` is its number.
    case killed
    /// It was still loading after the time-out; `status` is that in seconds.
    case timedOut
    /// A module started a thread, which no forked worker would have.
    case thread
    /// The application's file did not return a code reference.
    case notAnApplication
    /// Nacre itself could not (out of memory, processes, descriptors).
    case system
  }
  /// What went wrong.
  public var cause: Cause
  /// The file in which it happened; empty if unknown.
  public var file: String
  /// The line there, from 1; 0 if unknown.
  public var line: UInt32
  /// perl's message, or what the system said.
  public var message: String
  /// The exit status, the signal's number or the seconds, according to `cause`.
  public var status: Int32
  /// The files whose loading led there, the application first, each with the line that asked for the next.
  public var chain: [Step]
  /// Where the start hook stands in which a new worker failed (`Nacre->on_worker_start`); nil if the code did not load at
  /// all.
  public var hook: Step?

  /// One `use` on the way to the failure.
  public struct Step: Hashable, Sendable {
    /// The file that asked, or in which it happened.
    public var file: String
    /// The line there, from 1.
    public var line: UInt32

    /// Makes a step.
    public init(file: String, line: UInt32) {
      self.file = file
      self.line = line
    }
  }

  /// Makes a failure.
  public init(
    cause: Cause, file: String = "", line: UInt32 = 0, message: String, status: Int32 = 0, chain: [Step] = [],
    hook: Step? = nil
  ) {
    self.cause = cause
    self.file = file
    self.line = line
    self.message = message
    self.status = status
    self.chain = chain
    self.hook = hook
  }
}
