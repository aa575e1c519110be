/// What stands at a path, as far as its content goes.
public enum FileState: Hashable, Sendable {
  /// It can be read. A directory or a device has a fingerprint too, of which only device and inode are set.
  case present(Fingerprint)
  /// Nothing is there.
  case missing
  /// Something is there that cannot be read; the `errno` says why.
  case unreadable(errno: Int32)

  /// The fingerprint of what can be read.
  public var fingerprint: Fingerprint? {
    if case .present(let fingerprint) = self { fingerprint } else { nil }
  }
}

/// The disk, as the rules of this room see it. `SourceFiles.LocalDisk` is the real one; tests make their own.
public protocol Disk {
  /// The state of a file. Hashes its content only when its status differs from that of `previous`.
  func fingerprint(of path: String, previous: Fingerprint?) -> FileState
  /// What stands at the path, links followed.
  func kind(of path: String) -> PathKind
  /// The hash of a directory's sorted names, with or without locks of Emacs; nil when it cannot be listed.
  func listingHash(of directory: String, countingLocks: Bool) -> UInt64?
}
