/// A connection lent to a worker: the fixed part of the message on the lending queue. The connection's descriptor
/// comes with it, and after it that of the spooled body if ``hasBody`` is set. The carried bytes follow.
///
/// Layout (little-endian): slot u32, flags u32, word u64, body length u64, family u16, peer port u16, local port u16,
/// 2 bytes unused, peer address 16 bytes, local address 16 bytes; ``headerSize`` bytes in all.
public struct Loan: Equatable, Sendable {
  /// Bytes before the carried ones.
  public static let headerSize = 64
  /// The most bytes that a connection can carry with it (a request head, pipelined requests).
  public static let maximumCarried = 64 * 1024

  /// The connection's slot on the scoreboard.
  public var slot: UInt32
  /// The claim word as lent.
  public var word: ClaimWord
  /// Whether a second descriptor holds the whole body of the request that the carried bytes begin with, already
  /// decoded if it was chunked, to be read from offset 0.
  public var hasBody: Bool
  /// The length of that body in bytes.
  public var bodyLength: UInt64
  /// Whether the peer speaks TLS to `nacre`.
  public var isSecure: Bool
  /// Whether the peer speaks HTTP/2 to `nacre`. What the descriptor speaks is always HTTP/1.1.
  public var isHTTP2: Bool
  /// Whether the descriptor is one end of a socket pair, behind which `nacre` speaks for the peer.
  public var isPair: Bool
  /// Whether the peer is a trusted proxy.
  public var isTrusted = false
  /// Whether the peer's address is IPv6 (16 bytes), IPv4 (the first 4) or a Unix socket (none).
  public var family: Family
  /// The peer's port; 0 on Unix sockets.
  public var peerPort: UInt16
  /// The port that the connection came in on; 0 on Unix sockets.
  public var localPort: UInt16
  /// The peer's address in network order, two words as they lie in memory.
  public var peerAddress: (UInt64, UInt64)
  /// The address that the connection came in on, likewise, if ``isPair``: the descriptor does not tell it then.
  public var localAddress: (UInt64, UInt64)

  /// The kinds of address.
  public enum Family: UInt16, Sendable { case unix = 0, ipv4 = 4, ipv6 = 6 }

  /// A loan without a body.
  public init(
    slot: UInt32, word: ClaimWord, family: Family, peerPort: UInt16, localPort: UInt16, peerAddress: (UInt64, UInt64)
  ) {
    self.slot = slot
    self.word = word
    hasBody = false
    bodyLength = 0
    isSecure = false
    isHTTP2 = false
    isPair = false
    localAddress = (0, 0)
    self.family = family
    self.peerPort = peerPort
    self.localPort = localPort
    self.peerAddress = peerAddress
  }

  /// Field by field (a tuple is not Equatable).
  public static func == (a: Loan, b: Loan) -> Bool {
    a.slot == b.slot && a.word == b.word && a.hasBody == b.hasBody && a.bodyLength == b.bodyLength
      && a.isSecure == b.isSecure && a.family == b.family && a.peerPort == b.peerPort && a.localPort == b.localPort
      && a.peerAddress == b.peerAddress && a.isHTTP2 == b.isHTTP2 && a.isPair == b.isPair
      && a.localAddress == b.localAddress && a.isTrusted == b.isTrusted
  }

  /// Writes the fixed part; `memory` holds at least ``headerSize`` bytes. Allocates nothing.
  public func store(in memory: UnsafeMutableRawPointer) {
    memory.storeBytes(of: slot.littleEndian, as: UInt32.self)
    let flags: UInt32 =
      (hasBody ? 1 : 0) | (isSecure ? 2 : 0) | (isHTTP2 ? 4 : 0) | (isPair ? 8 : 0) | (isTrusted ? 16 : 0)
    memory.storeBytes(of: flags.littleEndian, toByteOffset: 4, as: UInt32.self)
    memory.storeBytes(of: word.rawValue.littleEndian, toByteOffset: 8, as: UInt64.self)
    memory.storeBytes(of: bodyLength.littleEndian, toByteOffset: 16, as: UInt64.self)
    memory.storeBytes(of: family.rawValue.littleEndian, toByteOffset: 24, as: UInt16.self)
    memory.storeBytes(of: peerPort.littleEndian, toByteOffset: 26, as: UInt16.self)
    memory.storeBytes(of: localPort.littleEndian, toByteOffset: 28, as: UInt16.self)
    memory.storeBytes(of: 0, toByteOffset: 30, as: UInt16.self)
    memory.storeBytes(of: peerAddress.0, toByteOffset: 32, as: UInt64.self)
    memory.storeBytes(of: peerAddress.1, toByteOffset: 40, as: UInt64.self)
    memory.storeBytes(of: localAddress.0, toByteOffset: 48, as: UInt64.self)
    memory.storeBytes(of: localAddress.1, toByteOffset: 56, as: UInt64.self)
  }

  /// Reads the fixed part of a message; nil if it is too short.
  public init?(_ message: UnsafeRawBufferPointer) {
    guard message.count >= Self.headerSize,
      let family = Family(rawValue: UInt16(littleEndian: message.load(fromByteOffset: 24, as: UInt16.self)))
    else { return nil }
    let flags = UInt32(littleEndian: message.load(fromByteOffset: 4, as: UInt32.self))
    self.init(
      slot: UInt32(littleEndian: message.load(as: UInt32.self)),
      word: ClaimWord(rawValue: UInt64(littleEndian: message.load(fromByteOffset: 8, as: UInt64.self))),
      family: family,
      peerPort: UInt16(littleEndian: message.load(fromByteOffset: 26, as: UInt16.self)),
      localPort: UInt16(littleEndian: message.load(fromByteOffset: 28, as: UInt16.self)),
      peerAddress: (
        message.load(fromByteOffset: 32, as: UInt64.self), message.load(fromByteOffset: 40, as: UInt64.self)
      ))
    hasBody = flags & 1 != 0
    isSecure = flags & 2 != 0
    isHTTP2 = flags & 4 != 0
    isPair = flags & 8 != 0
    localAddress = (
      message.load(fromByteOffset: 48, as: UInt64.self), message.load(fromByteOffset: 56, as: UInt64.self)
    )
    isTrusted = flags & 16 != 0
    bodyLength = UInt64(littleEndian: message.load(fromByteOffset: 16, as: UInt64.self))
  }
}

/// A connection that a worker gives back, on the worker's channel: the fixed part of the message. The bytes that were
/// read and not served follow; the descriptor of the unsent rest of the response comes with it if ``restLength`` > 0.
///
/// The first byte is ``tag``, which no ``Notice`` begins with. Layout: tag u8, outcome u8, 2 unused, slot u32, word
/// u64, rest offset u64, rest length u64.
public struct Return: Equatable, Sendable {
  /// The first byte of the message.
  public static let tag: UInt8 = 0xFF
  /// Bytes before the carried ones.
  public static let headerSize = 32

  /// What is to become of the connection.
  public enum Outcome: UInt8, Sendable {
    /// Park it until its next request (after the rest, if any, is sent).
    case keep
    /// Close it (after the rest, if any, is sent).
    case close
    /// The worker found its code too old for the request that the carried bytes begin: lend it to a newer one.
    case tooOld
    /// The message arrived without its descriptor (`MSG_CTRUNC`); nothing was claimed: lend it again.
    case truncated
  }
  /// The outcome.
  public var outcome: Outcome
  /// The connection's slot.
  public var slot: UInt32
  /// The word as the worker claimed it (its owner is the worker); for ``Outcome/truncated`` the word as lent.
  public var word: ClaimWord
  /// Where in the accompanying file the unsent rest of the response begins.
  public var restOffset: UInt64
  /// How many bytes of it are to be sent; 0 if nothing is left.
  public var restLength: UInt64

  /// Makes a return.
  public init(outcome: Outcome, slot: UInt32, word: ClaimWord, restOffset: UInt64 = 0, restLength: UInt64 = 0) {
    self.outcome = outcome
    self.slot = slot
    self.word = word
    self.restOffset = restOffset
    self.restLength = restLength
  }

  /// Writes the fixed part; `memory` holds at least ``headerSize`` bytes. Allocates nothing.
  public func store(in memory: UnsafeMutableRawPointer) {
    memory.storeBytes(of: Self.tag, as: UInt8.self)
    memory.storeBytes(of: outcome.rawValue, toByteOffset: 1, as: UInt8.self)
    memory.storeBytes(of: 0, toByteOffset: 2, as: UInt16.self)
    memory.storeBytes(of: slot.littleEndian, toByteOffset: 4, as: UInt32.self)
    memory.storeBytes(of: word.rawValue.littleEndian, toByteOffset: 8, as: UInt64.self)
    memory.storeBytes(of: restOffset.littleEndian, toByteOffset: 16, as: UInt64.self)
    memory.storeBytes(of: restLength.littleEndian, toByteOffset: 24, as: UInt64.self)
  }

  /// Reads the fixed part of a message; nil if it is not a return.
  public init?(_ message: UnsafeRawBufferPointer) {
    guard message.count >= Self.headerSize, message[0] == Self.tag, let outcome = Outcome(rawValue: message[1])
    else { return nil }
    self.init(
      outcome: outcome,
      slot: UInt32(littleEndian: message.load(fromByteOffset: 4, as: UInt32.self)),
      word: ClaimWord(rawValue: UInt64(littleEndian: message.load(fromByteOffset: 8, as: UInt64.self))),
      restOffset: UInt64(littleEndian: message.load(fromByteOffset: 16, as: UInt64.self)),
      restLength: UInt64(littleEndian: message.load(fromByteOffset: 24, as: UInt64.self)))
  }
}

/// Addresses as both ends of a loan read them.
public enum IPv6Address {
  /// Whether an address, two words as they lie in memory, is an IPv4 one in IPv6 clothes (`::ffff:0:0/96`).
  public static func isMapped(_ high: UInt64, _ low: UInt64) -> Bool {
    high == 0 && UInt64(bigEndian: low) >> 32 == 0xFFFF
  }
}
