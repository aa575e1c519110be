import CLinux
import Glibc
import ReloadModel
import SourceFiles

/// What a polled directory held when it was last looked at.
struct Snapshot: Equatable {
  /// What stands at a name: its own status, and that of what it leads to.
  struct Sight: Equatable {
    var own: FileStatus?
    var target: FileStatus?

    init(of path: String) {
      own = Self.withoutTimesOfDirectory(try? FileStatus.status(ofLink: path).get())
      target = own?.isLink == true ? Self.withoutTimesOfDirectory(try? FileStatus.status(of: path).get()) : own
      if target?.isDirectory == true { return }
      // Written within the clock's last tick: the next look must not trust an equal status. See `fingerprint(of:)`.
      if let changed = target?.changed, Self.wallClock() - changed < 50_000_000 { target?.changed = 0 }
      if own?.isFile == true { own = target }
    }

    /// A directory's times and size tell of what it holds, which is looked at by itself.
    private static func withoutTimesOfDirectory(_ status: FileStatus?) -> FileStatus? {
      guard var status, status.isDirectory else { return status }
      (status.size, status.links, status.modified, status.changed) = (0, 0, 0, 0)
      return status
    }

    private static func wallClock() -> Int64 {
      var time = timespec()
      clock_gettime(CLOCK_REALTIME, &time)
      return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
  }

  /// The directory's own identity; nil when it is gone.
  var inode: UInt64?
  /// The names that matter, whether they exist or not.
  var sights: [String: Sight]
  /// All names, if any name matters.
  var listing: [String: LinkTrail.Entry.Kind]?
}

/// Looking at directories that send no events.
extension Watcher {
  /// Compares the directories that send no events with what was last seen there.
  public func poll() -> Findings {
    round += 1
    if !isPolling { inotify.open() }
    var hasWatches = descriptor >= 0
    for (path, cause) in polled {
      if hasWatches { hasWatches = tryAgain(path, cause) }
      guard let before = directories[path]?.snapshot else { continue }
      let now = snapshot(of: path)
      // One that has a watch again is compared a last time, for what happened before it had.
      directories[path]?.snapshot = polled[path] == nil ? nil : now
      if before.inode != now.inode {
        lose(path)
      } else if before != now {
        compare(before, now, in: path)
      }
    }
    settle()
    return takeFindings()
  }

  /// Asks for the watch that the kernel has refused; false if it has none for anybody.
  private func tryAgain(_ path: String, _ cause: PollCause) -> Bool {
    switch cause {
    case .asked, .fileSystem: return true
    case .noQueue, .noWatches, .refused:
      makeSure(of: path, EventMask.names)
      return polled[path] != .noWatches
    }
  }

  /// Takes the first snapshot of directories that are polled newly, and adds names that matter newly.
  func takeSnapshots() {
    for path in polled.keys {
      guard let directory = directories[path] else { continue }
      guard var known = directory.snapshot else {
        directories[path]!.snapshot = snapshot(of: path)
        continue
      }
      for name in directory.names.keys where known.sights[name] == nil {
        known.sights[name] = Snapshot.Sight(of: join(path, name))
      }
      if known.listing == nil && !directory.occupants.isEmpty {
        known = snapshot(of: path)
      }
      directories[path]!.snapshot = known
    }
  }

  private func snapshot(of path: String) -> Snapshot {
    let status = try? FileStatus.status(of: path).get()
    var result = Snapshot(inode: status?.inode, sights: [:], listing: nil)
    guard let directory = directories[path] else { return result }
    for name in directory.names.keys { result.sights[name] = Snapshot.Sight(of: join(path, name)) }
    guard !directory.occupants.isEmpty else { return result }
    var listing: [String: LinkTrail.Entry.Kind] = [:]
    let trees = directory.occupants.compactMap { nodes[$0] }.filter { $0.roles.contains(.tree) }
    for entry in entries(in: path) ?? [] {
      listing[entry.name] = entry.kind
      if trees.contains(where: { patterns.matches(join($0.path, entry.name)) }) {
        result.sights[entry.name] = Snapshot.Sight(of: join(path, entry.name))
      }
    }
    result.listing = listing
    return result
  }

  /// Makes the events that the kernel did not send.
  private func compare(_ before: Snapshot, _ now: Snapshot, in path: String) {
    for (name, sight) in now.sights {
      guard let old = before.sights[name], old != sight else { continue }
      let isReplaced = old.own?.inode != sight.own?.inode
      let mask = UInt32(isReplaced ? IN_MOVED_TO : IN_CLOSE_WRITE)
      let isDirectory = (sight.own ?? old.own)?.isDirectory == true
      handle(InotifyEvent(watch: -1, mask: mask | (isDirectory ? UInt32(IN_ISDIR) : 0), name: name), in: path)
    }
    guard let old = before.listing, let new = now.listing else { return }
    for (name, kind) in new where old[name] != kind {
      handle(InotifyEvent(watch: -1, mask: UInt32(IN_MOVED_TO) | Self.directoryBit(kind), name: name), in: path)
    }
    for (name, kind) in old where new[name] == nil {
      handle(InotifyEvent(watch: -1, mask: UInt32(IN_DELETE) | Self.directoryBit(kind), name: name), in: path)
    }
  }

  private static func directoryBit(_ kind: LinkTrail.Entry.Kind) -> UInt32 { kind == .directory ? UInt32(IN_ISDIR) : 0 }
}
