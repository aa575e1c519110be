import CLinux
import Glibc

/// systemd, or who else wants to know how far the server is: `NOTIFY_SOCKET` (sd_notify(3)).
public struct ServiceManager: Sendable {
  /// What a manager is told.
  enum State {
    /// Requests are served; with a line for people.
    case ready(String)
    /// A reload was asked for and is under way.
    case reloading
    case stopping
    /// Another process is the server from now on.
    case succeeded(by: pid_t)
    /// The loop turns: for a manager that restarts what has hung.
    case alive
  }

  /// The path of a datagram socket, or its abstract name after `@`; nil if nobody wants to know.
  let socket: String?
  /// How often it wants to hear that the server is alive, in nanoseconds: twice in the time after which it would restart
  /// it. Nil if it does not watch.
  let pulse: UInt64?

  /// Who listens at this socket.
  init(socket: String?, pulse: UInt64? = nil) { (self.socket, self.pulse) = (socket, pulse) }

  /// Takes the socket out of the environment: the application has nothing to tell there.
  public static func take() -> ServiceManager {
    let names = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"]
    defer { for name in names { unsetenv(name) } }
    let values = names.map { getenv($0).map { String(cString: $0) } }
    return ServiceManager(socket: values[0], pulse: pulse(microseconds: values[1], pid: values[2], own: getpid()))
  }

  /// What the variables say (sd_watchdog_enabled(3)); they may be meant for another process.
  static func pulse(microseconds: String?, pid: String?, own: pid_t) -> UInt64? {
    guard let microseconds = microseconds.flatMap(UInt64.init), (1...UInt64(UInt32.max) * 1000).contains(microseconds)
    else { return nil }
    if let pid, pid_t(pid) != own { return nil }
    return microseconds * 1000 / 2
  }

  /// Tells, if somebody listens. Nothing depends on whether it arrives.
  func tell(_ state: State, at monotonic: UInt64 = 0) {
    guard let socket, let first = socket.first, first == "/" || first == "@" else { return }
    let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(socket.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    if first == "@" { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let size = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
    let text = Array(Self.message(state, at: monotonic).utf8)
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT), $0, size)
      }
    }
  }

  /// The lines of a message. `monotonic` is the time in nanoseconds, which systemd compares with that of its request.
  static func message(_ state: State, at monotonic: UInt64) -> String {
    switch state {
    case .ready(let status): "READY=1\nSTATUS=\(status)\n"
    case .reloading: "RELOADING=1\nMONOTONIC_USEC=\(monotonic / 1000)\n"
    case .stopping: "STOPPING=1\n"
    case .succeeded(let pid): "MAINPID=\(pid)\nREADY=1\n"
    case .alive: "WATCHDOG=1\n"
    }
  }
}
