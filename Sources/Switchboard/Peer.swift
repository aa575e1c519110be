import Glibc
public import ProcessProtocol

/// Where a connection comes from, and what its client speaks.
public struct Peer: Sendable {
  /// The kind of address; Unix sockets have neither address nor port.
  public internal(set) var family = Loan.Family.unix
  /// The client's port.
  public internal(set) var port: UInt16 = 0
  /// The port that it has connected to.
  public internal(set) var localPort: UInt16 = 0
  /// The client's address in network order, two words as they lie in memory.
  public internal(set) var address: (UInt64, UInt64) = (0, 0)
  /// The address that it has connected to, likewise, if ``isPair``.
  public internal(set) var localAddress: (UInt64, UInt64) = (0, 0)
  /// Whether the client speaks TLS, to a ``Front`` or to a proxy.
  public internal(set) var isSecure = false
  /// Whether the client speaks HTTP/2.
  public internal(set) var isHTTP2 = false
  /// Whether a ``Front`` speaks for the client, through a socket pair.
  public internal(set) var isPair = false

  init() {}

  /// The same client as seen through a pair; `descriptor` is its own connection.
  public func paired(_ descriptor: Int32, isSecure: Bool, isHTTP2: Bool) -> Peer {
    var peer = self
    (peer.isPair, peer.isSecure, peer.isHTTP2) = (true, isSecure, isHTTP2)
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let isKnown = withUnsafeMutablePointer(to: &storage) {
      getsockname(descriptor, UnsafeMutableRawPointer($0).assumingMemoryBound(to: sockaddr.self), &length) == 0
    }
    if isKnown { peer.localAddress = Peer(storage, localPort: localPort).address }
    return peer
  }

  init(_ storage: sockaddr_storage, localPort: UInt16) {
    self.localPort = localPort
    withUnsafeBytes(of: storage) { bytes in
      switch Int32(storage.ss_family) {
      case AF_INET:
        let address = bytes.loadUnaligned(as: sockaddr_in.self)
        family = .ipv4
        port = UInt16(bigEndian: address.sin_port)
        self.address.0 = UInt64(address.sin_addr.s_addr)
      case AF_INET6:
        port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        let (high, low) = (
          bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self),
          bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        )
        // A socket that takes both kinds shows IPv4 clients as ::ffff:192.0.2.1; applications know them as 192.0.2.1.
        let isMapped = IPv6Address.isMapped(high, low)
        family = isMapped ? .ipv4 : .ipv6
        self.address = isMapped ? (UInt64(bytes.loadUnaligned(fromByteOffset: 20, as: UInt32.self)), 0) : (high, low)
      default: break
      }
    }
  }
}
