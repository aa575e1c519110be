/// What the control API sends, as JSON. The `nacre` commands read the same types.
///
/// Times are ISO 8601 in UTC, durations are milliseconds unless the name says otherwise, files are absolute paths.
public enum ControlDocument {
  /// `GET /v1/status`.
  public struct Status: Codable, Equatable, Sendable {
    /// `loading` (nothing has run yet), `serving`, `failing` (requests are answered with the failure) or `stopping`.
    public var state: String
    /// Where it listens: `http://127.0.0.1:5000/`.
    public var addresses: [String]
    /// The application as it was named on the command line.
    public var name: String
    /// The directory in which the server was started.
    public var directory: String
    /// `PLACK_ENV`.
    public var environment: String
    /// The process id of `nacre`.
    public var pid: Int32
    /// When it was started.
    public var startedAt: String
    /// What runs; none before the first promotion.
    public var generation: Running?
    /// The reload that is under way.
    public var reload: Reload?
    /// Why the code on the disk does not run; none if it does.
    public var failure: Failure?
    /// What a roll back would bring back, the latest last.
    public var kept: [Kept]
    /// Whether and how changes are noticed.
    public var watching: Watching
    /// What is loaded before the application asks for it.
    public var preload: Preload
  }

  /// What cold starts load before the application asks for it.
  public struct Preload: Codable, Equatable, Sendable {
    /// `forbidden`, `natural` (nothing is preloaded yet), `verified` or `off`.
    public var state: String
    /// How many files the order names; what these load comes with them.
    public var files: Int
    /// The edited files that are loaded last.
    public var hot: [String]
    /// Why nothing is preloaded, or why the last order was given up.
    public var reason: String?
    /// Whether an order is being tried in the background at this moment.
    public var examining: Bool
    /// Whether what runs was found equal to a load in natural order, or is one.
    public var checked: Bool
    /// Whether nothing is left to be found out until a file changes.
    public var settled: Bool
  }

  /// The running generation.
  public struct Running: Codable, Equatable, Sendable {
    /// Its number.
    public var number: UInt64
    /// The number of the generation that loaded its code: after a respawn or a roll back an earlier one.
    public var loadedAs: UInt64
    /// Whether somebody rolled back to it, so that only a newer change ends it.
    public var pinned: Bool
    /// The reload that promoted it, if it is still remembered.
    public var reload: Reload?
    /// The source files that it has loaded.
    public var files: Int
    /// Where it can be rewound to.
    public var checkpoints: [Checkpoint]
    /// Its workers.
    public var workers: [Worker]
    /// How many workers there are to be.
    public var workersWanted: Int
  }

  /// A suspended process.
  public struct Checkpoint: Codable, Equatable, Sendable {
    /// Its place in the load trace, in events.
    public var position: Int
    /// The file or directory before which it stands: the next that the load loaded, read or listed.
    public var file: String
    /// Its process id, where that is known.
    public var pid: Int32?
  }

  /// A worker.
  public struct Worker: Codable, Equatable, Sendable {
    /// Its process id.
    public var pid: Int32?
    /// `starting`, `idle` or `busy`.
    public var state: String
    /// The requests that it has served.
    public var requests: UInt64
    /// How long the request in hand has been running.
    public var busyFor: Double?
  }

  /// An older generation that can come back.
  public struct Kept: Codable, Equatable, Sendable {
    /// The number under which it last ran.
    public var number: UInt64
    /// The number of the generation that loaded its code.
    public var loadedAs: UInt64
  }

  /// How changes on the disk are noticed.
  public struct Watching: Codable, Equatable, Sendable {
    /// What leads to a reload: `changes`, `touch` (of the touch file) or `manual`.
    public var trigger: String
    /// The touch file.
    public var touchFile: String?
    /// What is polled and why, one sentence for each cause; empty if the kernel tells of every change.
    public var polling: [String]
  }

  /// One reload.
  public struct Reload: Codable, Equatable, Sendable {
    /// Counts from 1, the first start included.
    public var id: Int
    /// When it began.
    public var at: String
    /// `start`, `save`, `HUP`, `control`, `touch file`, `retry`, `death` or `preload`.
    public var trigger: String
    /// The number of the generation. A rejected or void one's number is given again.
    public var generation: UInt64
    /// The number of the generation that loaded the code.
    public var loadedAs: UInt64
    /// `cold start`, `rewind`, `respawn`, `roll back` or `preload`.
    public var way: String
    /// What differed on the disk.
    public var files: [String]
    /// Where it was rewound to.
    public var checkpoint: Checkpoint?
    /// How many source files it loaded.
    public var loaded: Int
    /// The first 100 of them.
    public var loadedFiles: [String]
    /// How long it took.
    public var phases: Phases
    /// `under way`, `promoted`, `rejected` or `void`.
    public var verdict: String
    /// Why it was rejected.
    public var error: Failure?
    /// The sockets that were opened while it loaded.
    public var sockets: [Socket]
    /// What happened when, once the load is over; not in the messages of `/v1/events`.
    public var timeline: Timeline?
  }

  /// What happened when in a reload. Times are microseconds of `CLOCK_MONOTONIC`.
  public struct Timeline: Codable, Equatable, Sendable {
    /// The first change that was noticed, or the demand.
    public var start: UInt64
    /// From the first step to the last, each with its process.
    public var steps: [Span]
    /// The source files that were loaded, in the order in which that was done; the first 100 of them.
    public var files: [Span]
    /// The files of perl's and CPAN's that were loaded: how many, and how long they took together.
    public var libraries: Libraries
  }

  /// Something that took time.
  public struct Span: Codable, Equatable, Sendable {
    /// `settle`, `decide`, `fork`, `re-open`, `load`, `worker`, `promote`, or a file.
    public var name: String
    /// The process in which it happened.
    public var pid: Int32
    /// When it began.
    public var start: UInt64
    /// How long it took, with all that it loaded in turn.
    public var duration: UInt64
  }

  /// Files that are not watched.
  public struct Libraries: Codable, Equatable, Sendable {
    /// How many.
    public var count: Int
    /// How long those took that no other library had loaded.
    public var duration: UInt64
  }

  /// The phases of a reload, in milliseconds; those that it did not have are missing.
  public struct Phases: Codable, Equatable, Sendable {
    /// From the first change that was noticed to the end of the burst.
    public var settle: Double?
    /// Until it was known what had changed and what was to be done.
    public var decide: Double?
    /// Until the process existed.
    public var fork: Double?
    /// Until everything was loaded, or the load had failed.
    public var load: Double?
    /// Until enough workers were ready: in development one, otherwise all.
    public var workers: Double?
    /// The last look at the disk, and the promotion.
    public var promotion: Double?
    /// Everything.
    public var total: Double?
  }

  /// Why a generation could not be built.
  public struct Failure: Codable, Equatable, Sendable {
    /// What happened, as one sentence.
    public var sentence: String
    /// `died`, `exited`, `killed`, `timed out`, `thread`, `not an application` or `system`.
    public var cause: String
    /// Where; none if unknown.
    public var file: String?
    /// The line there.
    public var line: UInt32?
    /// perl's message.
    public var message: String
    /// The files whose loading led there, the application first.
    public var chain: [Step]
  }

  /// A place in a source file.
  public struct Step: Codable, Equatable, Sendable {
    /// The file.
    public var file: String
    /// The line, from 1; 0 if unknown.
    public var line: UInt32
  }

  /// A socket that all workers share.
  public struct Socket: Codable, Equatable, Sendable {
    /// The file whose load opened it.
    public var file: String
    /// What it is connected or bound to.
    public var description: String
  }

  /// `GET /v1/generations`.
  public struct Generations: Codable, Equatable, Sendable {
    /// The last 100 at most, the latest first.
    public var reloads: [Reload]
  }

  /// `GET /v1/why`: what a change of a file would lead to.
  public struct Why: Codable, Equatable, Sendable {
    /// The file as the load trace names it.
    public var file: String
    /// `rewind`, `cold start`, `respawn`, or `nothing`.
    public var way: String
    /// What the running generation has to do with it: `loaded` (as source), `met` (see there), `lazily` (workers loaded
    /// it), `pattern` (a template or the like), `library` (not watched), `unknown`.
    public var role: String
    /// What else than loading it as source the load did, as it reads after "the load ...".
    public var met: String?
    /// Where it would be rewound to.
    public var checkpoint: Checkpoint?
    /// How many source files would be loaded again.
    public var loaded: Int
    /// The first 100 of them.
    public var loadedFiles: [String]
    /// The ways on which the file is used, the one that led to its load first. Each begins with the application and
    /// ends with the place that asks for the file.
    public var chains: [[Step]]
  }

  /// One message of `GET /v1/events`.
  public struct Event: Codable, Equatable, Sendable {
    /// `reload`, `promoted`, `rejected`, `void`, `forgiven`, `rollback`, `worker-died`, `report`,
    /// `restarted` (another process serves now) or `stopping`.
    public var event: String
    /// When.
    public var at: String
    /// The running generation, once there is one.
    public var generation: UInt64?
    /// What reloads: with `reload`, `promoted`, `rejected`, `void`, and `rollback` to an older generation.
    public var reload: Reload?
    /// A worker's process id.
    public var pid: Int32?
    /// A sentence, for people.
    public var text: String?
  }

  /// The answer to `POST /v1/reload` and `POST /v1/rollback`.
  public struct Outcome: Codable, Equatable, Sendable {
    /// `promoted`, `rejected`, `forgiven` (the disk has what runs again), `resumed` (the running generation answers in
    /// place of the failure) or `refused`.
    public var outcome: String
    /// The generation that answers now, if there is one.
    public var generation: UInt64?
    /// What was done.
    public var reload: Reload?
    /// Why not, as one sentence.
    public var error: String?
  }

  /// The answer to `POST /v1/stop`.
  public struct Stopping: Codable, Equatable, Sendable {
    /// Always true.
    public var stopping: Bool
    /// The process that ends.
    public var pid: Int32
  }

  /// Every answer that tells of a mistake.
  public struct Problem: Codable, Equatable, Sendable {
    /// One sentence.
    public var error: String
  }
}
