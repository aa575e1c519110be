import Glibc
import ProcessProtocol

/// What a proxy says of a connection before the client's first byte: the PROXY protocol, versions 1 and 2
/// (haproxy.org, "proxy-protocol.txt").
struct ProxyHeader: Equatable {
  /// The client, and what it has connected to; the addresses in network order, two words as they lie in memory.
  struct Ends: Equatable {
    var family = Loan.Family.ipv4
    var client: (UInt64, UInt64) = (0, 0)
    var clientPort: UInt16 = 0
    var port: UInt16 = 0

    static func == (a: Self, b: Self) -> Bool {
      a.family == b.family && a.client == b.client && a.clientPort == b.clientPort && a.port == b.port
    }
  }

  /// Nil where the proxy speaks for itself, or of a client that has no such address: the connection is what it is.
  var ends: Ends?
  /// Whether the proxy speaks for itself.
  var isOwn = false
  /// Whether the client has come to the proxy by TLS.
  var isSecure = false

  /// What the first bytes of a connection are.
  enum Reading: Equatable {
    case complete(ProxyHeader, length: Int)
    case incomplete
    /// No header, or none that can be read.
    case refused
  }

  /// The longest header that is waited for.
  static let longest = 4096

  private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]
  private static let word = Array("PROXY ".utf8)

  /// Reads the bytes that a connection begins with.
  static func read(_ bytes: UnsafeRawBufferPointer) -> Reading {
    if begins(bytes, signature) { return readBinary(bytes) }
    if begins(bytes, word) { return readText(bytes) }
    return .refused
  }

  /// Whether the bytes begin so, as far as there are any.
  private static func begins(_ bytes: UnsafeRawBufferPointer, _ word: [UInt8]) -> Bool {
    zip(bytes, word).allSatisfy { $0 == $1 }
  }

  // MARK: Version 1

  private static func readText(_ bytes: UnsafeRawBufferPointer) -> Reading {
    // 107 bytes at most, the line's end included.
    guard let end = bytes.prefix(107).firstIndex(of: 0x0A) else { return bytes.count < 107 ? .incomplete : .refused }
    guard end > 0, bytes[end - 1] == 0x0D else { return .refused }
    let words = String(decoding: bytes[..<(end - 1)], as: UTF8.self)
      .split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    if words.count >= 2, words[1] == "UNKNOWN" { return .complete(ProxyHeader(), length: end + 1) }
    guard words.count == 6, let clientPort = UInt16(words[4]), let port = UInt16(words[5]) else { return .refused }
    var ends = Ends(clientPort: clientPort, port: port)
    switch words[1] {
    case "TCP4": guard inet_pton(AF_INET, words[2], &ends.client) == 1 else { return .refused }
    case "TCP6":
      guard inet_pton(AF_INET6, words[2], &ends.client) == 1 else { return .refused }
      ends.family = .ipv6
    default: return .refused
    }
    return .complete(ProxyHeader(ends: ends), length: end + 1)
  }

  // MARK: Version 2

  private static func readBinary(_ bytes: UnsafeRawBufferPointer) -> Reading {
    guard bytes.count >= 16 else { return .incomplete }
    let length = 16 + Int(number(bytes, 14))
    guard bytes[12] >> 4 == 2, length <= longest else { return .refused }
    guard bytes.count >= length else { return .incomplete }
    switch bytes[12] & 15 {
    case 0: return .complete(ProxyHeader(isOwn: true), length: length)  // LOCAL: the proxy asks for itself.
    case 1: break
    default: return .refused
    }
    var header = ProxyHeader()
    var rest = 16
    switch bytes[13] {
    case 0x11:  // TCP over IPv4
      guard length >= 28 else { return .refused }
      var ends = Ends(clientPort: number(bytes, 24), port: number(bytes, 26))
      ends.client.0 = UInt64(bytes.loadUnaligned(fromByteOffset: 16, as: UInt32.self))
      header.ends = ends
      rest = 28
    case 0x21:  // TCP over IPv6
      guard length >= 52 else { return .refused }
      var ends = Ends(family: .ipv6, clientPort: number(bytes, 48), port: number(bytes, 50))
      ends.client.0 = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
      ends.client.1 = bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
      header.ends = ends
      rest = 52
    case 0x31: rest = 232  // a Unix socket: paths of 108 bytes
    default: rest = length
    }
    header.readNotes(bytes, from: rest, to: length)
    return .complete(header, length: length)
  }

  /// Type, length, value: whether there is a note on TLS, and the client has used it.
  private mutating func readNotes(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) {
    var at = start
    while at + 3 <= end {
      let next = at + 3 + Int(Self.number(bytes, at + 1))
      if bytes[at] == 0x20, next <= end, next > at + 3, bytes[at + 3] & 1 == 1 { isSecure = true }
      at = next
    }
  }

  private static func number(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> UInt16 {
    UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt16.self))
  }
}
