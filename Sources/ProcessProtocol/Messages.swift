public import ReloadModel

/// What `nacre` tells a Perl process, one message each on its `SOCK_SEQPACKET` channel. End-of-file means: leave.
public enum Command: Equatable, Sendable {
  /// To the base, first of all.
  case configure(RunSettings)
  /// To the base or a checkpoint: fork a candidate that goes on loading as `generation`. `cell` is its scoreboard
  /// cell. The new process's channel comes back with ``Notice/forked(_:token:)`` under the same `token`.
  case forkCandidate(generation: UInt64, token: UInt32, cell: UInt32, plan: LoadPlan)
  /// To a mold: fork a worker of `generation`, which is a later one than the mold's own after a respawn. One descriptor
  /// comes with it: the receiving end of the generation's lending queue.
  case forkWorker(token: UInt32, cell: UInt32, generation: UInt64)
  /// To a mold: fork a process that describes the interpreter (its census) and ends. The first descriptor is where it
  /// writes; the others are censuses to compare with: none; that of the other load; or those of the running generation
  /// and the trial, of which the first (`firstIsNatural`) or the second was loaded in natural order, as this mold was.
  case takeCensus(token: UInt32, firstIsNatural: Bool)
  /// To a worker, as its channel has come: it may serve as soon as it can. Without a descriptor to spare in `nacre` the channel
  /// is lost, and what such a worker had in its hands could never be given back.
  case serve
}

/// What a forked process is.
public enum ProcessKind: UInt8, Sendable {
  case candidate, checkpoint, worker, census
}

/// What a Perl process tells `nacre`, one message each on its channel.
public enum Notice: Equatable, Sendable {
  /// The first message of every process that was forked or started, once `nacre` is its parent.
  case hello(pid: Int32)
  /// The base is ready: what perl had loaded before Nacre (`PERL5OPT`, `sitecustomize`).
  case baseReady(loaded: [TraceEvent])
  /// A process was forked; one descriptor comes with it, `nacre`'s end of its channel. For a candidate or a worker
  /// `token` is that of the command; for a checkpoint it is the trace position at which it stands.
  case forked(ProcessKind, token: UInt32)
  /// A fork asked for could not be done.
  case forkFailed(token: UInt32, message: String)
  /// The loader had too many checkpoints: those at these trace positions are to go.
  case dropCheckpoints(positions: [UInt32])
  /// What the load did next; from a worker, what it loaded while it served.
  case trace([TraceEvent])
  /// The code is loaded; the candidate is a mold now.
  case loaded(LoadSummary)
  /// The code did not load, or a start hook failed in a worker; the process leaves.
  case failed(LoadFailure)
  /// A new worker calls the start hook at this place.
  case startHook(LoadFailure.Step)
  /// A worker can serve.
  case workerReady
  /// Something a person should know, said once: no checkpoint here because of ..., an application error ...
  case report(String)
  /// What has taken time in a load, in several parts; comes after ``loaded(_:)`` or ``failed(_:)``.
  case timeline(LoadTimeline)
  /// What speaks against the preload of this load. A load that is no trial ends with the first.
  case objections([PreloadObjection])
  /// A census is written, and how many names differ from those that it was to be compared with, and the first of them.
  case census(differences: UInt32, first: String)
  /// A worker leaves by itself, with the reason (`harakiri`, ...).
  case leaving(String)
}

/// What a finished load left open.
public struct LoadSummary: Equatable, Sendable {
  /// A socket that was opened while a file loaded and that all workers share.
  public struct SharedSocket: Equatable, Sendable {
    /// The file whose load opened it.
    public var file: String
    /// What it is connected or bound to, for a person.
    public var description: String
    /// Makes a description.
    public init(file: String, description: String) {
      self.file = file
      self.description = description
    }
  }
  /// An SQLite database that was opened while a file loaded. SQLite forbids to use a connection after a fork: its locks
  /// are not inherited, and its memory of the file is wrong as soon as another process writes.
  public struct SharedDatabase: Equatable, Sendable {
    /// The file whose load opened it.
    public var file: String
    /// The database's path.
    public var path: String
    /// Makes a description.
    public init(file: String, path: String) { (self.file, self.path) = (file, path) }
  }
  /// From the start of the candidate to its end, in microseconds.
  public var microseconds: UInt64
  /// Sockets that all workers will share.
  public var sockets: [SharedSocket]
  /// Databases in files that all workers will share.
  public var databases: [SharedDatabase]
  /// Whether a timer (`alarm`) was running at the end of the load.
  public var timer: Bool

  /// Makes a summary.
  public init(microseconds: UInt64, sockets: [SharedSocket], databases: [SharedDatabase] = [], timer: Bool) {
    self.microseconds = microseconds
    self.sockets = sockets
    self.databases = databases
    self.timer = timer
  }
}
