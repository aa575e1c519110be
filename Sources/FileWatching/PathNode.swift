import SourceFiles

/// Why a path is watched.
struct Roles: OptionSet {
  let rawValue: UInt8
  /// The trace depends on it.
  static let traced = Roles(rawValue: 1)
  /// The load listed it: any name that comes or goes in it counts.
  static let listed = Roles(rawValue: 2)
  /// It is a directory that is searched for pattern files, with everything below it.
  static let tree = Roles(rawValue: 4)
  /// It is a pattern file that is a symbolic link.
  static let pattern = Roles(rawValue: 8)
}

/// One component of the watched paths, as a tree by names; `/srv/app` and `/srv/app/lib` are a node and its child.
struct PathNode {
  /// The last component.
  let name: String
  /// The node of the directory part; the root is its own.
  let parent: Int
  /// The whole path, as the trace names it.
  let path: String
  /// The nodes below, by name.
  var children: [String: Int] = [:]
  /// Why the path itself is watched; empty for a node that only lies on the way.
  var roles: Roles = []
  /// Where the last component led when it was last looked at, from the parent's real directory; nil when that is none.
  var trail: LinkTrail?

  /// The real directory that the path leads to, if it does lead to one.
  var directory: String? {
    if case .directory(let directory)? = trail?.end { directory } else { nil }
  }
}

/// A real directory in which something is watched.
struct WatchedDirectory {
  /// The kernel's watch; nil while it refuses one or the directory is gone.
  var watch: Int32?
  /// The events asked for.
  var mask: UInt32 = 0
  /// The round in which the watch was last made sure of.
  var round = 0
  /// The nodes whose way leads through a name in this directory.
  var names: [String: Set<Int>] = [:]
  /// The nodes that end at this directory and for which any name in it counts (listed and tree).
  var occupants: Set<Int> = []
  /// What was there at the last look, if the directory is polled.
  var snapshot: Snapshot?

  var isVacant: Bool { names.isEmpty && occupants.isEmpty }
}
