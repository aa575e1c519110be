public import ProcessProtocol

/// A connection as one server passes it on to the next: beside the descriptor, who the client is, and what has been read
/// and not been served.
///
/// A connection that has a request, but no worker yet, can be passed on as well: its request lies in the socket or in
/// ``carried``, and is read again.
public struct PassedConnection {
  /// The connection's own socket.
  public var descriptor: Int32
  var peer: Peer
  /// The bytes that come before those in the socket.
  var carried: [UInt8]

  /// The message that goes with the descriptor.
  public var encoded: [UInt8] {
    var writer = WireWriter(capacity: carried.count + 64)
    writer.write(peer.family.rawValue)
    writer.write(peer.port)
    writer.write(peer.localPort)
    writer.write(peer.address.0)
    writer.write(peer.address.1)
    writer.write(peer.isSecure)
    writer.write(bytes: carried)
    return writer.bytes
  }

  init(descriptor: Int32, peer: Peer, carried: [UInt8]) {
    (self.descriptor, self.peer, self.carried) = (descriptor, peer, carried)
  }

  /// Reads a message.
  public init(descriptor: Int32, from reader: inout WireReader) throws {
    var peer = Peer()
    guard let family = Loan.Family(rawValue: try reader.read()) else { throw WireError("a kind of address") }
    peer.family = family
    peer.port = try reader.read()
    peer.localPort = try reader.read()
    peer.address = (try reader.read(), try reader.read())
    peer.isSecure = try reader.readBool()
    self.init(descriptor: descriptor, peer: peer, carried: try reader.readBytes())
  }
}

/// What came of passing a connection on.
public enum PassingResult {
  case passed
  /// The system takes no more for the moment.
  case later
  /// There is nobody any more.
  case never
}
