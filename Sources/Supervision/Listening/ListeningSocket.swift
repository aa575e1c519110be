import CLinux
import Glibc

/// A bound, listening socket: non-blocking, closed on exec.
public struct ListeningSocket {
  /// The socket.
  public let descriptor: Int32
  /// What it is bound to; the port is the kernel's choice if 0 was asked for.
  public let address: ListenAddress
  /// Whether somebody else has bound it, and may go on listening when this server ends.
  public let isInherited: Bool
  /// The file that stands for it and goes with it.
  let file: SocketFile?

  /// Whether the file that stands for it is to become this server's, when it takes another one's place.
  private let takesFile: Bool

  init(
    descriptor: Int32, address: ListenAddress, isInherited: Bool = false, file: SocketFile? = nil,
    takesFile: Bool = false
  ) {
    self.descriptor = descriptor
    self.address = address
    self.isInherited = isInherited
    self.file = file
    self.takesFile = takesFile
  }

  /// The same socket, with the file that was another server's until now.
  var withFile: ListeningSocket {
    guard takesFile, file == nil, case .unix(let path) = address else { return self }
    return ListeningSocket(descriptor: descriptor, address: address, file: SocketFile(path: path)).secured(isSecure)
  }

  /// Whether clients speak TLS here.
  public private(set) var isSecure = false

  /// The same socket, for clients that speak TLS or for those that do not.
  public func secured(_ isSecure: Bool) -> ListeningSocket {
    var socket = self
    socket.isSecure = isSecure
    return socket
  }

  /// What people are told: `http://127.0.0.1:5000/`, `https://127.0.0.1:5443/`, `unix:/run/app.sock`.
  public var name: String {
    let name = "\(address)"
    return isSecure && name.hasPrefix("http:") ? "https:" + name.dropFirst(5) : name
  }

  /// The port; 0 for a Unix socket.
  public var port: UInt16 {
    switch address {
    case .tcp(_, let port): port
    case .unix: 0
    }
  }

  /// How a socket is made.
  public struct Settings: Equatable, Sendable {
    /// `--backlog`: how many connections may wait to be accepted.
    public var backlog: Int32 = 1024
    /// `--socket-mode`: the permissions of a Unix socket's file; nil for what the umask leaves.
    public var mode: UInt32?
    /// `--user` and `--group`: whom a Unix socket's file is given to.
    public var owner: Account?

    /// The defaults.
    public init() {}
  }

  /// Listens on all of these addresses, or on none of them.
  public static func listen(
    on addresses: [ListenAddress], _ settings: Settings
  ) throws(StartupError) -> [ListeningSocket] {
    var sockets: [ListeningSocket] = []
    do {
      for address in addresses {
        switch address {
        case .unix(let path): sockets.append(try unix(path, settings))
        case .tcp(let host, let port):
          let shares = addresses.contains { $0.isAnyIPv4(port: port) }
          sockets.append(try tcp(host: host, port: port, onlyIPv6: shares, settings))
        }
      }
    } catch {
      for socket in sockets { socket.end() }
      throw error
    }
    return sockets
  }

  /// Accepts nothing more: closes the socket and removes its file.
  public func end() {
    file?.remove()
    close(descriptor)
  }

  // MARK: TCP

  /// Binds to a host's first address that can be had. No host: every IPv4 address.
  private static func tcp(
    host: String?, port: UInt16, onlyIPv6: Bool, _ settings: Settings
  ) throws(StartupError) -> ListeningSocket {
    var hints = addrinfo()
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host ?? "0.0.0.0", String(port), &hints, &list)
    guard code == 0, let first = list else {
      throw StartupError("the host \(host ?? "") cannot be found: \(String(cString: gai_strerror(code))).")
    }
    defer { freeaddrinfo(list) }
    var failure: Int32 = 0
    // A name such as localhost may have addresses of both kinds; clients that try one only try IPv4.
    let addresses = sequence(first: first, next: { $0.pointee.ai_next }).map(\.pointee)
    for address in addresses.filter({ $0.ai_family == AF_INET }) + addresses.filter({ $0.ai_family != AF_INET }) {
      if let bound = listen(on: address, onlyIPv6: onlyIPv6, settings, &failure) {
        return ListeningSocket(
          descriptor: bound, address: .tcp(host: host, port: SocketName.of(bound)?.port ?? port))
      }
    }
    throw error(host: host ?? "0.0.0.0", port: port, code: failure)
  }

  private static func listen(
    on address: addrinfo, onlyIPv6: Bool, _ settings: Settings, _ failure: inout Int32
  ) -> Int32? {
    let descriptor = makeSocket(address.ai_family)
    guard descriptor >= 0 else {
      failure = errno
      return nil
    }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    if address.ai_family == AF_INET6, onlyIPv6 {
      setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &on, socklen_t(MemoryLayout<Int32>.size))
    }
    if bind(descriptor, address.ai_addr, address.ai_addrlen) == 0, Glibc.listen(descriptor, settings.backlog) == 0 {
      return descriptor
    }
    failure = errno
    close(descriptor)
    return nil
  }

  static func makeSocket(_ family: Int32) -> Int32 {
    socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
  }

  static func error(host: String, port: UInt16, code: Int32) -> StartupError {
    switch code {
    case EADDRINUSE:
      StartupError(
        "port \(port) on \(host) is in use by another program: stop that, or choose another with -p or -l.")
    case EACCES: StartupError("port \(port) on \(host) needs privileges: choose one above 1023 with -p or -l.")
    case EADDRNOTAVAIL: StartupError("\(host) is no address of this machine: choose one with -o or -l.")
    default: StartupError("nacre cannot listen on \(host) port \(port): \(String(cString: strerror(code))).")
    }
  }
}

extension ListenAddress {
  /// Whether it takes all IPv4 connections to this port, so that a socket for all IPv6 addresses must leave them alone.
  fileprivate func isAnyIPv4(port: UInt16) -> Bool {
    switch self {
    case .tcp(nil, let own), .tcp("0.0.0.0", let own): own == port && port != 0
    case .tcp, .unix: false
    }
  }
}

extension ControlPlace.Address {
  /// That of a server that listens here: its first port, or else its first path.
  public init(of sockets: [ListeningSocket]) {
    let addresses = sockets.map(\.address)
    if let port = sockets.first(where: { $0.port != 0 })?.port {
      self = .port(port)
    } else if case .unix(let path)? = addresses.first {
      self = .path(path)
    } else {
      self = .port(0)
    }
  }
}
