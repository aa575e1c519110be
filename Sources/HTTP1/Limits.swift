/// How much of a client's syntax is accepted before the request is refused.
public struct Limits: Equatable, Sendable {
  /// The longest request head in bytes, from the first byte (empty lines before the request line included) to the
  /// empty line that ends it.
  public var maximumHead = 16 * 1024
  /// The longest request target in bytes.
  public var maximumTarget = 8 * 1024
  /// The longest method in bytes. The longest registered one, `UPDATEREDIRECTREF`, has 17.
  public var maximumMethod = 32
  /// The most fields in a head.
  public var maximumFields = 100
  /// The most empty lines before a request line; RFC 9112 (2.2) asks for at least one.
  public var maximumEmptyLines = 4

  /// The defaults.
  public init() {}

  /// Sets the longest head; half of it may be the request target.
  public mutating func admitHeads(upTo bytes: Int) {
    maximumHead = bytes
    maximumTarget = bytes / 2
  }
}

/// Where something stands in the bytes that were parsed: offsets from their first byte.
@frozen
public struct ByteRange: Equatable, Sendable {
  /// The offset of the first byte.
  public let lower: UInt32
  /// The offset behind the last byte.
  public let upper: UInt32

  /// The bytes from `lower` up to `upper`.
  @inlinable
  public init(_ lower: Int, _ upper: Int) {
    self.lower = UInt32(truncatingIfNeeded: lower)
    self.upper = UInt32(truncatingIfNeeded: upper)
  }

  /// The number of bytes.
  @inlinable public var count: Int { Int(upper) - Int(lower) }
  /// Whether there are none.
  @inlinable public var isEmpty: Bool { lower == upper }

  /// The bytes themselves; `bytes` must be those that were parsed.
  @inlinable
  public func slice(of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: bytes.baseAddress.map { $0 + Int(lower) }, count: count)
  }
}
