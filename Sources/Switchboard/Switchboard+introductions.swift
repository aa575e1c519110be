import CLinux
import Glibc
import ProcessProtocol

extension Switchboard {
  /// Whether a connection begins with the proxy's own words.
  func isIntroduced(by peer: Peer) -> Bool {
    settings.takesProxyProtocol && settings.trustedProxies.contains(NetworkAddress(peer.family, peer.address))
  }

  /// Takes in a connection whose proxy has to say first whose it is.
  func awaitIntroduction(_ descriptor: Int32, _ peer: Peer, isSecure: Bool) {
    guard let connection = open(descriptor, peer) else { return }
    connection.state = .introducing(isSecure: isSecure)
    setDeadline(connection, .head)
  }

  /// Reads what the proxy says, as far as it is there.
  func introduce(_ connection: Connection, isSecure: Bool) {
    let count = recv(connection.fd, buffer.baseAddress!, Self.window, Int32(MSG_PEEK | MSG_DONTWAIT))
    guard count > 0 else {
      if count < 0, errno == EAGAIN || errno == EINTR { return awaitReadable(connection) }
      return close(connection)
    }
    switch ProxyHeader.read(UnsafeRawBufferPointer(rebasing: buffer[..<count])) {
    case .incomplete: awaitMore(connection)
    case .refused:
      reportOnce(
        .introduction,
        "a trusted proxy's connection does not begin with the PROXY protocol (--proxy-protocol): it was closed")
      close(connection)
    case .complete(let header, let length):
      guard recv(connection.fd, buffer.baseAddress!, length, Int32(MSG_DONTWAIT)) == length else {
        return close(connection)
      }
      said.remove(.introduction)
      setLowWater(connection, 1)
      connection.peer.take(header)
      if isSecure { return handOver(connection, .secure) }
      // A client without an address is no proxy.
      connection.isTrusted = (header.isOwn || header.ends != nil) && isTrusted(connection.peer)
      park(connection)
    }
  }
}

extension Peer {
  fileprivate mutating func take(_ header: ProxyHeader) {
    isSecure = header.isSecure
    guard let ends = header.ends else { return }
    (family, address, port, localPort) = (ends.family, ends.client, ends.clientPort, ends.port)
    guard family == .ipv6, IPv6Address.isMapped(address.0, address.1) else { return }
    (family, address) = (.ipv4, (UInt64(bigEndian: UInt64(bigEndian: address.1) << 32), 0))
  }
}
