import CLinux
import Glibc

/// A bound, listening TCP socket: non-blocking, closed on exec.
public struct ListeningSocket {
  /// The socket.
  public let descriptor: Int32
  /// The port it is bound to; the kernel's choice if 0 was asked for.
  public let port: UInt16
  /// The address as part of a URL: `127.0.0.1`, `[::1]`.
  public let host: String

  /// Binds to `host` (a name or an address, IPv6 with or without brackets) and `port`, and listens.
  public init(host: String, port: UInt16) throws(StartupError) {
    let name = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    var hints = addrinfo()
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(name, String(port), &hints, &list)
    guard code == 0, let first = list else {
      throw StartupError("the host \(host) cannot be found: \(String(cString: gai_strerror(code))).")
    }
    defer { freeaddrinfo(list) }
    var failure: Int32 = 0
    // A name such as localhost may have addresses of both kinds; clients that try one only try IPv4.
    let addresses = sequence(first: first, next: { $0.pointee.ai_next }).map(\.pointee)
    for address in addresses.filter({ $0.ai_family == AF_INET }) + addresses.filter({ $0.ai_family != AF_INET }) {
      if let bound = Self.listen(on: address, &failure) {
        descriptor = bound
        self.port = Self.port(of: bound)
        self.host = name.contains(":") ? "[\(name)]" : name
        return
      }
    }
    throw Self.error(host: host, port: port, code: failure)
  }

  private static func listen(on address: addrinfo, _ failure: inout Int32) -> Int32? {
    let flags = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
    let descriptor = socket(address.ai_family, flags, 0)
    guard descriptor >= 0 else {
      failure = errno
      return nil
    }
    var on: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    if bind(descriptor, address.ai_addr, address.ai_addrlen) == 0, Glibc.listen(descriptor, 1024) == 0 {
      return descriptor
    }
    failure = errno
    close(descriptor)
    return nil
  }

  private static func port(of descriptor: Int32) -> UInt16 {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutableBytes(of: &address) { memory in
      guard getsockname(descriptor, memory.baseAddress!.assumingMemoryBound(to: sockaddr.self), &length) == 0 else {
        return 0
      }
      // The port lies at the same place in sockaddr_in and sockaddr_in6.
      return UInt16(bigEndian: memory.load(fromByteOffset: 2, as: UInt16.self))
    }
  }

  private static func error(host: String, port: UInt16, code: Int32) -> StartupError {
    switch code {
    case EADDRINUSE:
      StartupError("port \(port) on \(host) is in use by another program: stop that, or choose another with -p.")
    case EACCES: StartupError("port \(port) on \(host) needs privileges: choose one above 1023 with -p.")
    case EADDRNOTAVAIL: StartupError("\(host) is no address of this machine: choose one with -o.")
    default: StartupError("nacre cannot listen on \(host) port \(port): \(String(cString: strerror(code))).")
    }
  }
}
