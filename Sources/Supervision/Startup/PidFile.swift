import Glibc

/// `--pid`: the file that names the server's process.
public struct PidFile: Equatable, Sendable {
  /// The file, absolute.
  public let path: String

  /// Looks whether the file can be written and names no other server that runs.
  ///
  /// - Parameter isBesideAnother: Whether another server runs on purpose until this one is ready: its file is taken over.
  public init(_ path: String, isBesideAnother: Bool = false) throws(StartupError) {
    self.path = absolute(path)
    guard !isDirectory(self.path) else {
      throw StartupError("the pid file \(self.path) is a directory: name a file with --pid.")
    }
    let exists = access(self.path, F_OK) == 0
    // It is put in place by a new file that is renamed, or written where it lies.
    guard access(parent(self.path), W_OK | X_OK) == 0 || (exists && access(self.path, W_OK) == 0) else {
      throw StartupError(
        "the pid file \(self.path) cannot be written: \(String(cString: strerror(errno))). Choose another with --pid.")
    }
    if let other = pid, other != getpid(), !isBesideAnother, Self.isNacre(other) {
      throw StartupError(
        "another nacre runs, as process \(other) (\(self.path) says so): stop it, or choose another file with --pid.")
    }
  }

  /// Whether a process with this number runs, and is a nacre: numbers are given out again.
  private static func isNacre(_ pid: pid_t) -> Bool {
    guard kill(pid, 0) == 0 || errno == EPERM else { return false }
    // 15 bytes of the program's name; a program of another user shows no more.
    return read("/proc/\(pid)/comm")?.hasPrefix("nacre") ?? true
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
  func write() -> String? {
    let fresh = "\(path).\(getpid())"
    if Self.put(fresh) == nil, rename(fresh, path) == 0 { return nil }
    unlink(fresh)
    return Self.put(path).map { "the pid file \(path) cannot be written: \(String(cString: strerror($0)))" }
  }

  private static func put(_ path: String) -> Int32? {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { return errno }
    defer { close(file) }
    let line = Array("\(getpid())\n".utf8)
    return Glibc.write(file, line, line.count) == line.count ? nil : errno
  }

  /// Removes the file if it still names this process.
  func remove() {
    guard pid == getpid(), unlink(path) != 0 else { return }
    // Somebody else's directory: at least it names nobody any more.
    truncate(path, 0)
  }
}
