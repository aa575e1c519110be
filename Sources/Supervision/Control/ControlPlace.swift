import CLinux
import Glibc

/// Where the control socket is. The server makes it there, and the `nacre` commands look for it there.
public enum ControlPlace {
  /// `--control`.
  public enum Choice: Equatable, Sendable {
    /// In the directory of this user, by port.
    case automatic
    /// At this absolute path.
    case path(String)
    /// Nowhere.
    case off
  }

  /// What the server is asked at.
  public enum Address: Equatable, Sendable {
    case port(UInt16)
    /// The absolute path of a Unix socket, for a server without a port.
    case path(String)

    /// The name of the control socket: `5000.sock`; for a Unix socket its name and a number made of its path, as
    /// `app.sock` may be in several directories.
    public var socketName: String {
      switch self {
      case .port(let port): return "\(port).sock"
      case .path(let path):
        let name = path.split(separator: "/").last.map(String.init) ?? "socket"
        // FNV-1a, 32 bits.
        let hash = path.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        let stem = String(name.hasSuffix(".sock") ? name.dropLast(5) : name[...])
        return "\(stem.prefix(40))-\(String(hash, radix: 16)).sock"
      }
    }
  }

  /// The directory of this user's control sockets: below `$XDG_RUNTIME_DIR` if that is there and this user's, else in
  /// the temporary directory.
  public static var directory: String {
    if let runtime = variable("XDG_RUNTIME_DIR"), isOwn(runtime) { return runtime + "/nacre" }
    return temporary
  }

  /// Every directory in which this user's servers may have made their sockets: another environment may have started
  /// them (cron, systemd, sudo).
  public static var directories: [String] {
    let runtime = variable("XDG_RUNTIME_DIR") ?? "/run/user/\(geteuid())"
    return [runtime + "/nacre", temporary].filter { access($0, F_OK) == 0 || $0 == directory }
  }

  private static var temporary: String { (variable("TMPDIR") ?? "/tmp") + "/nacre-\(geteuid())" }

  private static func variable(_ name: String) -> String? {
    guard let value = getenv(name).map({ String(cString: $0) }), value.hasPrefix("/") else { return nil }
    return value.count > 1 && value.hasSuffix("/") ? String(value.dropLast()) : value
  }

  private static func isOwn(_ directory: String) -> Bool {
    var status = stat()
    return stat(directory, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid()
  }

  /// Makes sure that a directory is there and its owner's alone: who may reach a control socket may stop the server.
  public static func secure(_ directory: String) throws(StartupError) {
    if mkdir(directory, 0o700) != 0, errno != EEXIST {
      throw StartupError("the directory \(directory) for the control socket cannot be made: \(reason()).")
    }
    if let fault = fault(of: directory) { throw StartupError(fault) }
  }

  /// Why a directory must not hold a control socket, as one sentence; nil if it may.
  public static func fault(of directory: String) -> String? {
    var status = stat()
    guard lstat(directory, &status) == 0 else {
      return "the directory \(directory) for the control socket cannot be read: \(reason())."
    }
    let what = "the control socket needs a directory that is yours alone, and \(directory)"
    switch status.st_mode & S_IFMT {
    case S_IFDIR: break
    case S_IFLNK: return "\(what) is a symbolic link: name the directory itself, or remove the link."
    default: return "\(what) is no directory: remove it, or choose another path with --control."
    }
    if status.st_uid != geteuid() {
      return "\(what) belongs to another user (\(status.st_uid)): choose another path with --control."
    }
    if status.st_mode & 0o777 != 0o700 {
      return "\(what) has mode \(octal(status.st_mode & 0o777)): chmod 700 it, or choose another path with --control."
    }
    return nil
  }

  private static func octal(_ mode: mode_t) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }

  private static func reason() -> String { String(cString: strerror(errno)) }
}

/// Addresses of Unix sockets.
enum UnixAddress {
  /// The longest path, in bytes.
  static let capacity = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  /// Calls `body` with the address of `path`; nil if the path is too long.
  static func with<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result? {
    guard path.utf8.count <= capacity else { return nil }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }
}

/// Opens control sockets from outside.
public enum ControlDial {
  /// A blocking connection to the socket at `path`, closed on exec, or the `errno` that says why there is none.
  public static func connect(_ path: String) -> Result<Int32, DialError> {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return .failure(DialError(code: errno)) }
    guard let result = UnixAddress.with(path, { Glibc.connect(descriptor, $0, $1) }) else {
      close(descriptor)
      return .failure(DialError(code: ENAMETOOLONG))
    }
    if result == 0 { return .success(descriptor) }
    let code = errno
    close(descriptor)
    return .failure(DialError(code: code))
  }
}

/// Why there is no connection.
public struct DialError: Error, Equatable {
  /// The `errno`.
  public var code: Int32

  /// The kernel's words.
  public var reason: String { String(cString: strerror(code)) }
}
