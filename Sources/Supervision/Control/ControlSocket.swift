import CLinux
import Glibc
import SourceFiles

/// The bound, listening control socket: non-blocking, closed on exec, for its owner only.
public final class ControlSocket {
  /// Its absolute path.
  public let path: String
  let descriptor: Int32
  private let inode: ino_t

  /// Binds at `path`, in a directory that is made if need be and must be its owner's alone. What a dead server left
  /// there is replaced.
  public init(path: String) throws(StartupError) {
    guard path.utf8.count <= UnixAddress.capacity else {
      throw StartupError(
        "the path of the control socket \(path) is too long for the system (\(UnixAddress.capacity) bytes): choose "
          + "another with --control.")
    }
    let directory = directory(of: path)
    try ControlPlace.secure(directory)
    // Two servers that start at once must not both find a dead socket.
    let lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(lock) }
    flock(lock, LOCK_EX)
    try Self.clear(path)
    descriptor = try Self.listen(at: path)
    self.path = path
    inode = Self.inode(at: path)
  }

  /// Binds beside `path`, and moves the file there in the place of that of another server, which knows: at no moment is
  /// there none.
  init(replacing path: String) throws(StartupError) {
    let directory = directory(of: path)
    try ControlPlace.secure(directory)
    let fresh = join(directory, ".\(getpid())")
    unlink(fresh)
    descriptor = try Self.listen(at: fresh)
    self.path = path
    inode = Self.inode(at: fresh)
    guard rename(fresh, path) == 0 else {
      let error = Self.error(path)
      unlink(fresh)
      close(descriptor)
      throw error
    }
  }

  private static func listen(at path: String) throws(StartupError) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { throw error(path) }
    // `bind` gives the file the socket's own mode. The umask would be that of every thread of the process.
    fchmod(descriptor, 0o600)
    guard UnixAddress.with(path, { bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 128) == 0 else {
      let error = error(path)
      close(descriptor)
      throw error
    }
    return descriptor
  }

  private static func inode(at path: String) -> ino_t {
    var status = stat()
    lstat(path, &status)
    return status.st_ino
  }

  /// Takes over a socket that listens on an address of the network.
  init(adopting listener: ListeningSocket) {
    (path, descriptor, inode) = ("", listener.descriptor, 0)
  }

  /// Removes what a dead server has left.
  private static func clear(_ path: String) throws(StartupError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw StartupError("\(path) is there and is no socket: remove it, or choose another path with --control.")
    }
    switch attempt(path) {
    case 0, EAGAIN:
      throw StartupError("another server is controlled at \(path): choose another path with --control.")
    case ECONNREFUSED: unlink(path)
    case let code:
      throw StartupError(
        "\(path) is there and cannot be asked (\(DialError(code: code).reason)): choose another path with --control.")
    }
  }

  /// Whether a server that lives is controlled there.
  static func isTaken(_ path: String) -> Bool { [0, EAGAIN].contains(attempt(path)) }

  /// What connecting leads to: 0, or the `errno`; `EAGAIN` if somebody listens and is too busy to accept, which must
  /// not keep this process waiting.
  private static func attempt(_ path: String) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    return UnixAddress.with(path) { connect(descriptor, $0, $1) == 0 ? 0 : errno } ?? ENAMETOOLONG
  }

  private static func error(_ path: String) -> StartupError {
    StartupError("the control socket \(path) cannot be made: \(String(cString: strerror(errno))).")
  }

  /// Whether the file is there, and is this socket's.
  var isInPlace: Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_ino == inode
  }

  /// Removes it, unless another has taken its place.
  func remove() {
    var status = stat()
    if lstat(path, &status) == 0, status.st_ino == inode { unlink(path) }
  }

  deinit { close(descriptor) }
}
