/// What tells two versions of a file apart.
///
/// Two versions are the same when their content hashes are; device, inode, size and times only say when it is worth
/// hashing again.
public struct Fingerprint: Hashable, Sendable {
  /// The device that holds the file.
  public var device: UInt64
  /// The inode number on that device.
  public var inode: UInt64
  /// The size in bytes.
  public var size: UInt64
  /// The time of the last modification, in nanoseconds since the epoch.
  public var modified: Int64
  /// The time of the last status change, in nanoseconds since the epoch.
  public var changed: Int64
  /// XXH64 (seed 0) of the content.
  public var hash: UInt64

  /// Makes a fingerprint from its parts.
  public init(device: UInt64, inode: UInt64, size: UInt64, modified: Int64, changed: Int64, hash: UInt64) {
    self.device = device
    self.inode = inode
    self.size = size
    self.modified = modified
    self.changed = changed
    self.hash = hash
  }

  /// That of a file that could not be read; no content has it.
  public static let none = Fingerprint(device: 0, inode: 0, size: 0, modified: 0, changed: 0, hash: 0)

  /// Whether both are fingerprints of the same content.
  public func sameContent(as other: Fingerprint) -> Bool { hash == other.hash && size == other.size }

  /// Whether nothing that `stat` shows differs, so that hashing again may be spared.
  public func sameStatus(as other: Fingerprint) -> Bool {
    device == other.device && inode == other.inode && size == other.size && modified == other.modified
      && changed == other.changed
  }
}
