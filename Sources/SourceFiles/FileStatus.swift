import CLinux
import Glibc
public import ReloadModel

/// What `stat` says about a path.
public struct FileStatus: Hashable, Sendable {
  /// The device that holds it.
  public var device: UInt64
  /// Its inode number there.
  public var inode: UInt64
  /// The size in bytes.
  public var size: UInt64
  /// The file type and permission bits (`st_mode`).
  public var mode: UInt32
  /// The number of names the file has.
  public var links: UInt64
  /// The time of the last modification, in nanoseconds since the epoch.
  public var modified: Int64
  /// The time of the last status change, in nanoseconds since the epoch.
  public var changed: Int64

  private var type: UInt32 { mode & Glibc.S_IFMT }
  /// Whether it is a plain file.
  public var isFile: Bool { type == Glibc.S_IFREG }
  /// Whether it is a directory.
  public var isDirectory: Bool { type == Glibc.S_IFDIR }
  /// Whether it is a symbolic link (only ``FileStatus/status(ofLink:)`` sees one).
  public var isLink: Bool { type == Glibc.S_IFLNK }
  /// Whether it is a block device.
  public var isBlockDevice: Bool { type == Glibc.S_IFBLK }

  /// What a test such as `-f` or `-d` would find.
  public var kind: PathKind { isFile ? .file : isDirectory ? .directory : .other }

  /// The status of what `path` leads to, links followed; an `errno` when there is none.
  public static func status(of path: String) -> Result<FileStatus, SystemErrorNumber> {
    var buffer = stat()
    return stat(path, &buffer) == 0 ? .success(FileStatus(buffer)) : .failure(SystemErrorNumber(errno))
  }

  /// The status of what stands at `path` itself, a symbolic link's own included.
  public static func status(ofLink path: String) -> Result<FileStatus, SystemErrorNumber> {
    var buffer = stat()
    return lstat(path, &buffer) == 0 ? .success(FileStatus(buffer)) : .failure(SystemErrorNumber(errno))
  }

  /// The status of an open file.
  static func status(ofDescriptor descriptor: Int32) -> FileStatus? {
    var buffer = stat()
    return fstat(descriptor, &buffer) == 0 ? FileStatus(buffer) : nil
  }

  private init(_ buffer: stat) {
    device = UInt64(buffer.st_dev)
    inode = UInt64(buffer.st_ino)
    size = UInt64(buffer.st_size)
    mode = buffer.st_mode
    links = UInt64(buffer.st_nlink)
    modified = Int64(buffer.st_mtim.tv_sec) * 1_000_000_000 + Int64(buffer.st_mtim.tv_nsec)
    changed = Int64(buffer.st_ctim.tv_sec) * 1_000_000_000 + Int64(buffer.st_ctim.tv_nsec)
  }
}

/// An `errno` as a Swift error.
public struct SystemErrorNumber: Error, Hashable, Sendable {
  /// The number, such as `ENOENT`.
  public var number: Int32

  /// Wraps a number.
  public init(_ number: Int32) { self.number = number }

  /// Whether it says that nothing is there.
  public var meansMissing: Bool { number == ENOENT || number == ENOTDIR }
}

/// What stands at `path`, links followed. What cannot be looked at (a directory on the way forbids it) counts as
/// missing, as it does for perl's `-e`.
public func kind(of path: String) -> PathKind {
  switch FileStatus.status(of: path) {
  case .success(let status): status.kind
  case .failure: .missing
  }
}
