public import ReloadModel

/// Watches, with inotify, everything on which a generation depends.
public final class Watcher {
  /// The inotify descriptor, non-blocking; readable when ``drain()`` has something to read. -1 if the kernel gave
  /// none: everything is polled then.
  public let descriptor: Int32
  /// Whether some directories send no events, so that ``poll()`` must be called now and then; in development before
  /// every lend.
  public var polls: Bool { pollReason != nil }
  /// Why, as a sentence for a person; nil if everything sends events.
  public private(set) var pollReason: String?

  /// Opens inotify.
  public init() { descriptor = -1 }

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
    trace: LoadTrace, lazily: [TraceEvent], rules: WatchRules, roots: [String], patterns: RespawnPatterns
  ) {}

  /// Reads all queued events, without blocking, and tells what they touch.
  public func drain() -> Findings { .nothing }

  /// Compares the directories that send no events with what was last seen there.
  public func poll() -> Findings { .nothing }

  /// Those of the pattern files that really differ from what they were when this last answered (or when they were
  /// first seen): a file that was only touched, or saved with equal content, does not. Nil asks about all.
  public func changedPatternFiles(among paths: Set<String>?) -> Set<String> { [] }
}
