/// What a forked worker has in its hands when it begins to serve.
public struct WorkerSeat: Sendable {
  /// Its cell on the scoreboard; as an owner in claim words it is this + 1.
  public var cell: Int
  /// The generation whose code it runs.
  public var generation: UInt64
  /// The receiving end of the generation's lending queue. End-of-file: finish and leave.
  public var queue: Int32
  /// Its own channel to `nacre`: notices and returns go out, nothing comes in but end-of-file.
  public var channel: Int32
  /// The inotify descriptor of `nacre`, only to be polled; -1 if there is none.
  public var inotify: Int32
  /// The shared memory.
  public var scoreboard: Scoreboard
  /// The server's settings.
  public var settings: RunSettings

  /// Makes a seat.
  public init(
    cell: Int, generation: UInt64, queue: Int32, channel: Int32, inotify: Int32, scoreboard: Scoreboard,
    settings: RunSettings
  ) {
    self.cell = cell
    self.generation = generation
    self.queue = queue
    self.channel = channel
    self.inotify = inotify
    self.scoreboard = scoreboard
    self.settings = settings
  }
}

/// Why a worker stopped serving.
public enum WorkerEnd: Equatable, Sendable {
  /// The lending queue ended: its generation is retired, or `nacre` stops.
  case queueEnded
  /// A signal asked it to stop.
  case stopped
  /// The application called `exit` with this status in a request.
  case exited(status: Int32)
}
