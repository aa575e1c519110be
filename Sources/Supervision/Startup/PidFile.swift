import CLinux
import Glibc

/// `--pid`: the file that names the server's process.
public struct PidFile: Equatable, Sendable {
  /// The file, absolute.
  public let path: String
  /// Whether it was made to try whether it can be.
  private var isMade = false

  /// Looks whether the file can be written and names no other server that runs.
  ///
  /// - Parameters:
  ///   - isBesideAnother: Whether another server runs on purpose until this one is ready: its file is taken over.
  ///   - owner: Who this process will be when it writes the file; it is made for them now.
  public init(_ path: String, isBesideAnother: Bool = false, owner: Account? = nil) throws(StartupError) {
    self.path = absolute(path)
    guard !isDirectory(self.path) else {
      throw StartupError("the pid file \(self.path) is a directory: name a file with --pid.")
    }
    if let other = pid, other != getpid(), !isBesideAnother, Self.isNacre(other) {
      throw StartupError(
        "another nacre runs, as process \(other) (\(self.path) says so): stop it, or choose another file with --pid.")
    }
    let wasThere = access(self.path, F_OK) == 0
    defer { isMade = !wasThere && access(self.path, F_OK) == 0 }
    if let code = attempt(owner) {
      throw StartupError(
        "the pid file \(self.path) cannot be written: \(String(cString: strerror(code))). Choose another with --pid.")
    }
  }

  /// Tries whether it can be written; the `errno` if not.
  private func attempt(_ owner: Account?) -> Int32? {
    if let owner {
      // Root follows no link here, and waits for no FIFO: the directory may be that user's. What is in the file is still
      // right if the server that wrote it runs on.
      let file = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0o644)
      guard file >= 0 else { return errno }
      defer { close(file) }
      return fchown(file, owner.user ?? getuid(), owner.group ?? getgid()) == 0 ? nil : errno
    }
    defer { unlink(fresh) }
    // It is put in place by a new file that is renamed, or else written where it lies.
    guard let code = Self.put(fresh, "") else { return nil }
    return access(path, W_OK) == 0 ? nil : code
  }

  private var fresh: String { "\(path).\(getpid())" }

  /// Whether a process with this number runs, and is a nacre: numbers are given out again.
  private static func isNacre(_ pid: pid_t) -> Bool {
    guard kill(pid, 0) == 0 || errno == EPERM else { return false }
    return read("/proc/\(pid)/comm") == read("/proc/self/comm")
  }

  /// The process that the file names.
  private var pid: pid_t? {
    guard let text = Self.read(path), let number = pid_t(text.prefix { $0.isNumber }), number > 0 else { return nil }
    return number
  }

  private static func read(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var buffer = [UInt8](repeating: 0, count: 64)
    let count = Glibc.read(file, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }

  /// Names this process in the file, whole or not at all if the directory permits; the reason if it cannot.
  ///
  /// - Parameter announce: Told of the new file, and of the path that it is about to get, or has.
  func write(announce: (_ fresh: String, _ path: String) -> Void) -> String? {
    let line = "\(getpid())\n"
    if Self.put(fresh, line) == nil {
      announce(fresh, path)
      if rename(fresh, path) == 0 { return nil }
    }
    unlink(fresh)
    if let code = Self.put(path, line) {
      return "the pid file \(path) cannot be written: \(String(cString: strerror(code)))"
    }
    announce(path, path)
    return nil
  }

  private static func put(_ path: String, _ text: String) -> Int32? {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { return errno }
    defer { close(file) }
    let line = Array(text.utf8)
    return Glibc.write(file, line, line.count) == line.count ? nil : errno
  }

  /// The path, while the file names this process.
  var ownPath: String? { pid == getpid() ? path : nil }

  /// The server does not start: removes the file if it was made for it and names nobody.
  public func discard() {
    var status = stat()
    if isMade, lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == 0 { unlink(path) }
  }

  /// Removes the file if it still names this process.
  func remove() {
    guard pid == getpid(), unlink(path) != 0 else { return }
    // Somebody else's directory: at least it names nobody any more.
    truncate(path, 0)
  }
}
