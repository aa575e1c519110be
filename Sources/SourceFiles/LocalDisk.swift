public import ReloadModel

/// The real disk of this machine.
public struct LocalDisk: Disk, Sendable {
  /// The disk; it has no state.
  public init() {}

  /// See ``fingerprint(of:previous:)``.
  public func fingerprint(of path: String, previous: Fingerprint?) -> FileState {
    SourceFiles.fingerprint(of: path, previous: previous)
  }

  /// See ``kind(of:)``.
  public func kind(of path: String) -> PathKind { SourceFiles.kind(of: path) }

  /// See ``listingHash(of:countingLocks:)``.
  public func listingHash(of directory: String, countingLocks: Bool) -> UInt64? {
    SourceFiles.listingHash(of: directory, countingLocks: countingLocks)
  }
}
