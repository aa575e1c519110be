/// The 64-bit xxHash, a fixed and fast content hash (<https://github.com/Cyan4973/xxHash>, XXH64).
///
/// Swift's own `Hasher` has another seed in every process; fingerprints travel between processes, so this one does
/// not. It guards against accidents, not against an adversary.
public struct XXH64: Sendable {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5
  private static let stripe = 32

  private let seed: UInt64
  private var lane1: UInt64
  private var lane2: UInt64
  private var lane3: UInt64
  private var lane4: UInt64
  private var total: UInt64 = 0
  /// The bytes after the last full stripe of 32; always fewer than 32.
  private var carry: [UInt8] = []

  /// Starts a hash of nothing.
  public init(seed: UInt64 = 0) {
    self.seed = seed
    lane1 = seed &+ Self.prime1 &+ Self.prime2
    lane2 = seed &+ Self.prime2
    lane3 = seed
    lane4 = seed &- Self.prime1
  }

  /// The hash of `bytes` in one step.
  public static func hash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    var hasher = XXH64(seed: seed)
    hasher.update(bytes)
    return hasher.digest()
  }

  /// The hash of `bytes` in one step.
  public static func hash(_ bytes: [UInt8], seed: UInt64 = 0) -> UInt64 {
    bytes.withUnsafeBytes { hash($0, seed: seed) }
  }

  /// Adds `bytes` to what is hashed.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    total &+= UInt64(bytes.count)
    var rest = bytes[...]
    if !carry.isEmpty {
      let taken = rest.prefix(Self.stripe - carry.count)
      carry.append(contentsOf: taken)
      rest = rest.dropFirst(taken.count)
      guard carry.count == Self.stripe else { return }
      let full = carry
      full.withUnsafeBytes { consume($0) }
      carry.removeAll(keepingCapacity: true)
    }
    let whole = rest.count - rest.count % Self.stripe
    consume(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
    carry.append(contentsOf: rest.dropFirst(whole))
  }

  /// The hash of everything added so far; more may be added afterwards.
  public func digest() -> UInt64 {
    var hash = total >= UInt64(Self.stripe) ? mergedLanes() : seed &+ Self.prime5
    hash &+= total
    carry.withUnsafeBytes { bytes in
      var offset = 0
      while offset + 8 <= bytes.count {
        hash ^= Self.round(0, Self.load64(bytes, offset))
        hash = Self.rotate(hash, 27) &* Self.prime1 &+ Self.prime4
        offset += 8
      }
      if offset + 4 <= bytes.count {
        let word = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        hash ^= UInt64(word) &* Self.prime1
        hash = Self.rotate(hash, 23) &* Self.prime2 &+ Self.prime3
        offset += 4
      }
      while offset < bytes.count {
        hash ^= UInt64(bytes[offset]) &* Self.prime5
        hash = Self.rotate(hash, 11) &* Self.prime1
        offset += 1
      }
    }
    hash ^= hash >> 33
    hash &*= Self.prime2
    hash ^= hash >> 29
    hash &*= Self.prime3
    return hash ^ (hash >> 32)
  }

  /// Feeds whole stripes. The lanes are copied to locals: the compiler keeps them in registers then.
  private mutating func consume(_ bytes: UnsafeRawBufferPointer) {
    var (one, two, three, four) = (lane1, lane2, lane3, lane4)
    var offset = 0
    while offset < bytes.count {
      one = Self.round(one, Self.load64(bytes, offset))
      two = Self.round(two, Self.load64(bytes, offset + 8))
      three = Self.round(three, Self.load64(bytes, offset + 16))
      four = Self.round(four, Self.load64(bytes, offset + 24))
      offset += Self.stripe
    }
    (lane1, lane2, lane3, lane4) = (one, two, three, four)
  }

  private func mergedLanes() -> UInt64 {
    var hash =
      Self.rotate(lane1, 1) &+ Self.rotate(lane2, 7) &+ Self.rotate(lane3, 12) &+ Self.rotate(lane4, 18)
    for lane in [lane1, lane2, lane3, lane4] {
      hash ^= Self.round(0, lane)
      hash = hash &* Self.prime1 &+ Self.prime4
    }
    return hash
  }

  @inline(__always)
  private static func load64(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  @inline(__always)
  private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { (value << bits) | (value >> (64 - bits)) }

  @inline(__always)
  private static func round(_ accumulator: UInt64, _ input: UInt64) -> UInt64 {
    rotate(accumulator &+ input &* prime2, 31) &* prime1
  }
}
