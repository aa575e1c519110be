import Glibc

/// Whose word about a client is taken: the proxies of `--trusted-proxy`.
public struct TrustedProxies: Equatable, Sendable {
  /// The addresses that begin with the same bits.
  private struct Range: Equatable {
    var address: NetworkAddress
    var bits: Int
  }

  /// As given: `10.0.0.0/8`, `::1`, `unix:`.
  public let words: [String]
  private let ranges: [Range]
  private let trustsUnixSockets: Bool

  /// Nobody.
  public static let none = TrustedProxies(words: [], ranges: [], trustsUnixSockets: false)

  private init(words: [String], ranges: [Range], trustsUnixSockets: Bool) {
    (self.words, self.ranges, self.trustsUnixSockets) = (words, ranges, trustsUnixSockets)
  }

  /// Nil if a word is neither an address, nor a range of addresses, nor `unix:`.
  public init?(_ words: [String]) {
    var ranges: [Range] = []
    for word in words where word != "unix:" {
      guard let range = Self.range(word) else { return nil }
      ranges.append(range)
    }
    self.init(words: words, ranges: ranges, trustsUnixSockets: words.contains("unix:"))
  }

  private static func range(_ word: String) -> Range? {
    let parts = word.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, let address = NetworkAddress(String(parts[0])) else { return nil }
    guard parts.count == 2 else { return Range(address: address, bits: address.width) }
    guard let bits = Int(parts[1]), (0...address.width).contains(bits) else { return nil }
    return Range(address: address, bits: bits)
  }

  /// Whether nobody is trusted.
  public var isEmpty: Bool { words.isEmpty }

  /// Whether a peer is one of them; nil is a Unix socket's.
  public func contains(_ address: NetworkAddress?) -> Bool {
    guard let address else { return trustsUnixSockets }
    return ranges.contains { $0.address.shares($0.bits, with: address) }
  }
}

/// An IPv4 or IPv6 address as a number.
public struct NetworkAddress: Equatable, Sendable {
  /// The number of its bits: 32 or 128.
  public let width: Int
  /// The number from the left: an IPv4 address in the first 32 bits.
  private let high, low: UInt64

  /// The address as a loan holds it, two words as they lie in memory; nil for a Unix socket.
  public init?(_ family: Loan.Family, _ words: (UInt64, UInt64)) {
    switch family {
    case .unix: return nil
    case .ipv4: (width, high, low) = (32, UInt64(bigEndian: words.0) & ~0xFFFF_FFFF, 0)
    case .ipv6: (width, high, low) = (128, UInt64(bigEndian: words.0), UInt64(bigEndian: words.1))
    }
  }

  /// Reads `192.0.2.1` or `2001:db8::1`; an IPv4 address in IPv6 clothes is one of IPv4.
  public init?(_ text: String) {
    var words: (UInt64, UInt64) = (0, 0)
    if inet_pton(AF_INET, text, &words) == 1 {
      self.init(.ipv4, words)
    } else if inet_pton(AF_INET6, text, &words) == 1 {
      guard IPv6Address.isMapped(words.0, words.1) else {
        self.init(.ipv6, words)
        return
      }
      self.init(.ipv4, (UInt64(bigEndian: UInt64(bigEndian: words.1) << 32), 0))
    } else {
      return nil
    }
  }

  /// Whether the first so many bits of both are the same.
  func shares(_ bits: Int, with other: NetworkAddress) -> Bool {
    guard width == other.width else { return false }
    let first = bits == 0 ? 0 : UInt64.max << UInt64(max(0, 64 - bits))
    let second = bits <= 64 ? 0 : UInt64.max << UInt64(128 - bits)
    return (high ^ other.high) & first == 0 && (low ^ other.low) & second == 0
  }
}
