import CLinux
import Glibc
public import ReloadModel
import SourceFiles

/// Watches, with inotify, everything on which a generation depends.
///
/// Directories are watched, not files (editors replace files), and on the way to a path every directory and symbolic
/// link that could lead elsewhere. Events only say where to look; the index of the trace says what differs.
public final class Watcher {
  /// The inotify descriptor, non-blocking; readable when ``drain()`` has something to read. -1 if the kernel gave
  /// none: everything is polled then.
  public var descriptor: Int32 { inotify.descriptor }
  /// Whether some directories send no events, so that ``poll()`` must be called now and then; in development before
  /// every lend.
  public var polls: Bool { isPolling || !polled.isEmpty }
  /// Whether everything is polled because a person asked for it.
  public let isPolling: Bool
  /// Why directories are polled, the causes in no order.
  public var pollCauses: [PollCause: PolledDirectories] {
    var causes: [PollCause: PolledDirectories] = [:]
    for (path, cause) in polled { causes[cause, default: PolledDirectories()].add(path) }
    return causes
  }

  /// Why some directories below the roots are not watched, as sentences for a person; nil if all are.
  public internal(set) var incompleteReason: String?

  /// A tree with more directories than this is a mistake (a link to somebody's home); the rest is not watched.
  var mostTreeDirectories = 20_000
  let inotify: Inotify
  var rules = WatchRules(libraryDirectories: [])
  var patterns = RespawnPatterns()
  /// The recursive roots, as they were given.
  var roots: [String] = []
  /// All components of all watched paths; the root `/` is number 0. Numbers are not used again; nil: not needed any more.
  var nodes: [PathNode?] = [PathNode(name: "/", parent: 0, path: "/", trail: LinkTrail(of: "/"))]
  /// The nodes of paths that the trace depends on: `["/srv/app/lib/App.pm": 5]`.
  var traced: [String: Int] = [:]
  /// Those of which the trace knows the content: `["/srv/app/myapp.conf"]`. Of the others it knows only whether they
  /// are there: a template whose path was tested at load is a pattern file all the same.
  var compared: Set<String> = []
  /// The directories in which something is watched, by real path.
  var directories: [String: WatchedDirectory] = [:]
  /// The real paths that each of the kernel's watches stands for; more than one where a directory is mounted twice.
  var owners: [Int32: Set<String>] = [:]
  /// Directories that are looked at by ``poll()``, with the reason.
  var polled: [String: PollCause] = [:]
  var patternFiles = PatternFiles()
  /// What has been found since it was last told.
  var findings = Findings()
  /// What happened to relevant files since that was last told, in order.
  var steps: [SaveStep] = []
  /// Nodes that may lead elsewhere now.
  var stale: Set<Int> = []
  /// Tree nodes whose directory must be read again.
  var unread: Set<Int> = []
  /// Directories in which nothing may be watched any more.
  var vacant: Set<String> = []
  /// Relevant files that were written to and not closed: when that was last seen, in nanoseconds.
  var writers: [LinkTrail.Entry: UInt64] = [:]
  /// Counts the passes over the tree, so that each makes sure of a watch only once.
  var round = 0
  /// Whether the trees are read for the first time: what they hold is no news then.
  var isFirstReading = false

  /// Opens inotify, unless everything is to be polled.
  public init(polling: Bool = false) {
    isPolling = polling
    inotify = Inotify(opening: !polling)
  }

  /// Watches what `trace` and `lazily` depend on, in place of what was watched before, and the directories in `roots`
  /// with everything below them for files that match `patterns`.
  ///
  /// Call it before the load's fingerprints are compared with the disk: what changed before this call sends no event.
  ///
  /// - Parameters:
  ///   - trace: The running generation's load.
  ///   - lazily: What workers loaded later, and what else should trigger a look (a rejected candidate's trace).
  ///   - rules: Paths in perl's library directories are not watched.
  ///   - roots: Directories that are watched recursively, absolute; they may be links, and may not exist yet.
  ///   - patterns: The pattern files to look for there, and what to ignore.
  public func watch(
    trace: LoadTrace, lazily: [TraceEvent] = [], rules: WatchRules, roots: [String], patterns: RespawnPatterns
  ) {
    round += 1
    let isNewTree = roots != self.roots || patterns != self.patterns
    (self.rules, self.roots, self.patterns) = (rules, roots, patterns)
    let events = [trace.events, EventList(lazily)]
    let wanted = wantedRoles(events)
    compared = Self.compared(events)
    for (path, node) in traced where wanted[path] == nil {
      traced[path] = nil
      drop([.traced, .listed], from: node)
    }
    for (path, roles) in wanted where traced[path].flatMap({ nodes[$0]?.roles.isSuperset(of: roles) }) != true {
      let node = insert(path)
      traced[path] = node
      add(roles, to: node)
    }
    if isNewTree { plantTrees() }
    settle()
  }

  /// Watches what these events depend on, too.
  public func watch(more events: [TraceEvent]) {
    round += 1
    compared.formUnion(Self.compared([EventList(events)]))
    for (path, roles) in wantedRoles([EventList(events)])
    where traced[path].flatMap({ nodes[$0]?.roles.isSuperset(of: roles) }) != true {
      let node = insert(path)
      traced[path] = node
      add(roles, to: node)
    }
    settle()
  }

  /// Reads all queued events, without blocking, and tells what they touch.
  public func drain() -> Findings {
    steps = []
    // Making new watches may bring new events at once; the bound is against a tree that never rests.
    for _ in 0..<64 {
      let events = inotify.read()
      if events.isEmpty { break }
      for event in events { handle(event) }
      settle()
    }
    return takeFindings()
  }

  /// What has happened to files since the last drain began, in order, so that the caller can tell one finished save from
  /// many.
  public func takeSteps() -> [SaveStep] {
    defer { steps = [] }
    return steps
  }

  /// Those of the pattern files that really differ from what they were when this last answered (or when they were
  /// first seen): a file that was only touched, or saved with equal content, does not. Nil asks about all.
  public func changedPatternFiles(among paths: Set<String>?) -> Set<String> {
    patternFiles.changed(among: paths)
  }

  /// What was found since the last time.
  func takeFindings() -> Findings {
    let now = Self.now()
    // A file that is relevant and stays open for writing for good (a database) must not delay every save.
    for (writer, last) in writers where now > last + 1_000_000_000 { writers[writer] = nil }
    var result = findings
    result.writersAtWork = !writers.isEmpty
    findings = Findings()
    return result
  }

  static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  private static func compared(_ groups: [EventList]) -> Set<String> {
    var paths: Set<String> = []
    for event in groups.joined() {
      switch event {
      case .began(let path, _, _, _, _), .read(let path, _), .measured(let path, _): paths.insert(path)
      default: break
      }
    }
    return paths
  }

  private func wantedRoles(_ groups: [EventList]) -> [String: Roles] {
    var wanted: [String: Roles] = [:]
    for event in groups.joined() {
      let roles: Roles
      switch event {
      case .ended, .library, .written, .used, .entered: continue
      case .listed: roles = [.traced, .listed]
      case .began, .missing, .read, .tested, .measured: roles = .traced
      }
      let path = event.path
      if let known = wanted[path] {
        if !known.isSuperset(of: roles) { wanted[path] = known.union(roles) }
      } else if path.utf8.first == UInt8(ascii: "/"), rules.isWatched(path), !patterns.ignores(path) {
        wanted[path] = roles
      }
    }
    return wanted
  }
}
