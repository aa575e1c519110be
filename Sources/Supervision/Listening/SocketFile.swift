import CLinux
import Glibc

/// The file of a Unix socket that this process has made.
struct SocketFile {
  let path: String
  private let device: dev_t
  private let inode: ino_t
  private let owner = getpid()

  init(path: String) {
    self.path = path
    var status = stat()
    lstat(path, &status)
    (device, inode) = (status.st_dev, status.st_ino)
  }

  /// Whether nobody has removed it, or put another one in its place.
  var isInPlace: Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode
  }

  /// Removes it, if this is the process that made it and nobody has put another one in its place.
  func remove() { if getpid() == owner, isInPlace { unlink(path) } }
}

extension ListeningSocket {
  /// Listens on a Unix socket. A socket that nobody listens on any more is replaced.
  static func unix(_ path: String, _ settings: Settings) throws(StartupError) -> ListeningSocket {
    if try isOccupied(path) { unlink(path) }
    let descriptor = makeSocket(AF_UNIX)
    guard descriptor >= 0 else { throw failure(path, errno) }
    guard named(path, { bind(descriptor, $0, $1) }) == 0 else {
      defer { close(descriptor) }
      throw failure(path, errno)
    }
    let file = SocketFile(path: path)
    // Before `listen` nobody can connect, so no connection passes with other permissions.
    let isPermitted =
      settings.mode.map { chmod(path, $0) == 0 } ?? true
      && (settings.owner.map { lchown(path, $0.user ?? getuid(), $0.group ?? getgid()) == 0 } ?? true)
    guard isPermitted, Glibc.listen(descriptor, settings.backlog) == 0 else {
      defer {
        file.remove()
        close(descriptor)
      }
      throw failure(path, errno)
    }
    return ListeningSocket(descriptor: descriptor, address: .unix(path: path), file: file)
  }

  /// Whether a socket lies there that nobody listens on; throws if there is anything else.
  private static func isOccupied(_ path: String) throws(StartupError) -> Bool {
    var status = stat()
    guard lstat(path, &status) == 0 else { return false }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw StartupError("\(path) is a file and no socket: remove it, or choose another path with -l.")
    }
    let descriptor = makeSocket(AF_UNIX)
    defer { close(descriptor) }
    // Anything but a refusal (a full queue, no permission to ask) means that somebody may be there.
    guard named(path, { connect(descriptor, $0, $1) }) == -1, errno == ECONNREFUSED else {
      throw StartupError("another server listens on \(path): stop that, or choose another path with -l.")
    }
    return true
  }

  private static func named(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }

  private static func failure(_ path: String, _ code: Int32) -> StartupError {
    StartupError("nacre cannot listen on \(path): \(String(cString: strerror(code))).")
  }
}
