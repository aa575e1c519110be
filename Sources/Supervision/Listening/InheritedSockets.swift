import CLinux
import Glibc

/// The listening sockets that whoever started `nacre` has bound for it.
///
/// systemd gives the descriptors from 3 on and says how many in `LISTEN_FDS`, for the process in `LISTEN_PID`
/// (sd_listen_fds(3)); Server::Starter names each with its number in `SERVER_STARTER_PORT`.
public struct InheritedSockets {
  /// What the environment says, before it is looked at.
  struct Announcement: Equatable {
    var descriptor: Int32
    /// What Server::Starter calls it: `0.0.0.0:5000`, `5000`, `/run/app.sock`.
    var name: String?
  }

  /// The variables that tell of descriptors. They are removed: the descriptors are not the application's.
  static let variables = ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "SERVER_STARTER_PORT"]

  /// The sockets.
  public let sockets: [ListeningSocket]
  /// Whether Server::Starter started this process, beside the one that it replaces.
  public let isBesideAnother: Bool

  /// Takes over what this process was given; none if nothing was. To be called before any other program is started.
  public static func take() throws(StartupError) -> InheritedSockets {
    let environment = Dictionary(
      uniqueKeysWithValues: variables.compactMap { name in getenv(name).map { (name, String(cString: $0)) } })
    for name in variables { unsetenv(name) }
    let announced = try announcements(environment, pid: getpid())
    for announcement in announced { _ = cl_set_close_on_exec(announcement.descriptor, true) }
    var sockets: [ListeningSocket] = []
    for announcement in announced { sockets.append(try socket(announcement)) }
    return InheritedSockets(
      sockets: sockets, isBesideAnother: environment["SERVER_STARTER_PORT"] != nil)
  }

  /// Reads the variables.
  static func announcements(_ environment: [String: String], pid: pid_t) throws(StartupError) -> [Announcement] {
    try systemd(environment, pid: pid) + serverStarter(environment["SERVER_STARTER_PORT"] ?? "")
  }

  private static func systemd(_ environment: [String: String], pid: pid_t) throws(StartupError) -> [Announcement] {
    // Descriptors for another process: this one has been started by it, and has none.
    guard let count = environment["LISTEN_FDS"], environment["LISTEN_PID"] == "\(pid)" else { return [] }
    guard let count = Int32(count), (0...1024).contains(count) else {
      throw StartupError("LISTEN_FDS says '\(count)' and not how many sockets there are.")
    }
    return (3..<(3 + count)).map { Announcement(descriptor: $0) }
  }

  private static func serverStarter(_ ports: String) throws(StartupError) -> [Announcement] {
    var announced: [Announcement] = []
    for entry in ports.split(separator: ";") {
      // A path may contain an equals sign.
      guard let equals = entry.lastIndex(of: "="), let number = Int32(entry[entry.index(after: equals)...]), number >= 0
      else { throw StartupError("SERVER_STARTER_PORT says '\(entry)' and not NAME=DESCRIPTOR.") }
      announced.append(Announcement(descriptor: number, name: String(entry[..<equals])))
    }
    return announced
  }

  private static func socket(_ announced: Announcement) throws(StartupError) -> ListeningSocket {
    let descriptor = announced.descriptor
    let what =
      announced.name.map { "the inherited socket \($0) (descriptor \(descriptor))" } ?? "descriptor \(descriptor)"
    guard option(descriptor, SO_TYPE) == Int32(SOCK_STREAM.rawValue), option(descriptor, SO_ACCEPTCONN) == 1 else {
      throw StartupError("\(what) was handed down to nacre, but is no listening stream socket.")
    }
    switch SocketName.of(descriptor) {
    case .tcp(let host, let port)?:
      return ListeningSocket(descriptor: descriptor, address: .tcp(host: host, port: port), isInherited: true)
    case .unix(let path)?:
      let path = path ?? announced.name ?? "descriptor \(descriptor)"
      return ListeningSocket(descriptor: descriptor, address: .unix(path: path), isInherited: true)
    case nil: throw StartupError("\(what) was handed down to nacre, but is neither a TCP nor a Unix socket.")
    }
  }

  private static func option(_ descriptor: Int32, _ name: Int32) -> Int32? {
    var value: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
  }
}
