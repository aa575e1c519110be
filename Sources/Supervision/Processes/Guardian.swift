import CLinux
import Glibc
import Switchboard

/// The process that removes what a killed `nacre` leaves on the disk: the files of its sockets, and its pid file.
///
/// Nobody else can: whoever is killed by `SIGKILL` does nothing more, and every Perl process goes with `nacre`. It is a
/// fork of `nacre` that has closed everything but one end of a pipe. The end of the pipe is the end of `nacre`; then it
/// removes what is still as it was when `nacre` told of it, and leaves. A server that ends in order dismisses it.
final class Guardian {
  /// Its process id.
  let pid: pid_t
  private let pipe: Int32

  /// Forks it; nil if the system has no process or no descriptors left.
  init?() {
    var ends: [Int32] = [-1, -1]
    guard Spawning.makePipe(&ends) else { return nil }
    let pid = cl_fork()
    if pid == 0 { Self.live(ends[0]) }
    close(ends[0])
    guard pid > 0 else {
      close(ends[1])
      return nil
    }
    (self.pid, pipe) = (pid, ends[1])
    // A guardian that is stopped must not keep anybody waiting.
    cl_set_nonblocking(pipe, true)
  }

  deinit { close(pipe) }

  /// Has a file removed that this process has made.
  func protect(_ file: Protected) {
    let message = file.encoded
    _ = write(pipe, message, message.count)
  }

  /// Nothing is to be removed: this process does it itself.
  func dismiss() { kill(pid, SIGKILL) }

  /// A file as it was made.
  struct Protected: Equatable {
    /// Absolute.
    var path: String
    var device: UInt64
    var inode: UInt64
    /// Nanoseconds since the epoch. File systems use the numbers of inodes again.
    var modified: Int64

    /// The file that is there now; nil if there is none.
    init?(_ path: String) {
      var status = stat()
      guard path.hasPrefix("/"), lstat(path, &status) == 0 else { return nil }
      self.path = path
      (device, inode) = (UInt64(status.st_dev), UInt64(status.st_ino))
      modified = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }

    init?(decoding bytes: some Collection<UInt8>) {
      let fields = String(decoding: bytes, as: UTF8.self).split(separator: " ", maxSplits: 3)
      guard fields.count == 4, let device = UInt64(fields[0]), let inode = UInt64(fields[1]),
        let modified = Int64(fields[2])
      else { return nil }
      (self.device, self.inode, self.modified, path) = (device, inode, modified, String(fields[3]))
    }

    /// One message, which ends with a NUL.
    var encoded: [UInt8] { Array("\(device) \(inode) \(modified) \(path)\0".utf8) }

    /// Removes it, unless something else is there by now.
    func remove() { if Protected(path) == self { unlink(path) } }
  }

  // MARK: In the guardian

  /// The life of the guardian. Signals are for `nacre`: those of a terminal, or of a shell that ends a job, go to a group
  /// or a session that this process leaves.
  private static func live(_ pipe: Int32) -> Never {
    setsid()
    var all = sigset_t()
    sigfillset(&all)
    sigprocmask(SIG_SETMASK, &all, nil)
    let own = cl_dup_above(pipe, 3)
    // The sockets above all: nobody is to wait for a server that is gone.
    cl_close_except(own)
    cl_name_process("nacre guardian: removes what a killed nacre leaves")
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(own, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      received += buffer[..<count]
    }
    for message in received.split(separator: 0) { Protected(decoding: message)?.remove() }
    _exit(0)
  }
}

/// Who looks after the files of this server.
extension Supervisor {
  /// Starts the guardian and tells it what there is.
  func startGuardian() {
    guardian = Guardian()
    if guardian == nil { report("\(SystemError("start the guardian")): a nacre that is killed will leave its sockets") }
    for listener in listeners { if let file = listener.file { protect(file.path) } }
    if let control { protect(control.socket.path) }
    if let path = settings.life.pidFile?.ownPath { protect(path) }
  }

  /// Has a file removed if this process is killed.
  func protect(_ path: String) { protect(path, as: path) }

  /// The same for a file that is about to be renamed.
  func protect(_ path: String, as later: String) {
    guard var file = Guardian.Protected(path) else { return }
    file.path = later
    guardian?.protect(file)
  }

  /// Somebody has ended it: another one, in a while.
  func guardianEnded() {
    guardian = nil
    loop.after(Self.second) { [unowned self] in if stopping == .no { startGuardian() } }
  }
}
