/// Bytes in one piece of memory that grows on demand and is used again and again: what a connection has read, or the
/// response that is being written.
public struct ByteBuffer: ~Copyable {
  /// The number of bytes held.
  public private(set) var count = 0
  /// The number of bytes that fit without growing.
  public private(set) var capacity: Int
  private var memory: UnsafeMutableRawPointer

  /// An empty buffer with room for `capacity` bytes.
  public init(capacity: Int = 16 * 1024) {
    self.capacity = max(64, capacity)
    memory = .allocate(byteCount: self.capacity, alignment: 16)
  }

  deinit { memory.deallocate() }

  /// The bytes held; valid until the buffer changes.
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: count) }

  /// Room for at least `minimum` more bytes, behind those held. Say with ``didWrite(_:)`` how many were put there.
  public mutating func room(for minimum: Int) -> UnsafeMutableRawBufferPointer {
    if capacity - count < minimum {
      var larger = capacity * 2
      while larger - count < minimum { larger *= 2 }
      let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
      moved.copyMemory(from: memory, byteCount: count)
      memory.deallocate()
      memory = moved
      capacity = larger
    }
    return UnsafeMutableRawBufferPointer(start: memory + count, count: capacity - count)
  }

  /// Counts bytes that were written into the room behind those held.
  public mutating func didWrite(_ written: Int) {
    precondition(written >= 0 && written <= capacity - count)
    count += written
  }

  /// Forgets all bytes, or all behind the first `kept`.
  public mutating func truncate(to kept: Int = 0) {
    precondition(kept >= 0 && kept <= count)
    count = kept
  }

  /// Drops the first bytes; the others move to the front.
  public mutating func removeFirst(_ dropped: Int) {
    precondition(dropped >= 0 && dropped <= count)
    count -= dropped
    // copyMemory allows overlap.
    if count > 0, dropped > 0 { memory.copyMemory(from: memory + dropped, byteCount: count) }
  }

  /// Appends bytes that are not the buffer's own.
  public mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return }
    room(for: bytes.count).baseAddress?.copyMemory(from: base, byteCount: bytes.count)
    count += bytes.count
  }

  /// Appends a literal's UTF-8.
  public mutating func append(_ literal: StaticString) {
    append(UnsafeRawBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
  }

  /// Appends an integer of 0 or more in the given radix (10 or 16, lower-case letters).
  public mutating func append(_ number: Int, radix: Int = 10) {
    var rest = UInt(number)
    let base = UInt(radix)
    // 20 bytes hold the largest decimal number; the digits are made from the last to the first.
    let end = room(for: 20).baseAddress! + 20
    var start = end
    repeat {
      let digit = UInt8(rest % base)
      start -= 1
      start.storeBytes(of: digit + (digit < 10 ? 0x30 : 0x57), as: UInt8.self)
      rest /= base
    } while rest > 0
    (memory + count).copyMemory(from: start, byteCount: end - start)
    count += end - start
  }

  /// Appends the line that opens a chunk of `length` bytes, more than 0. The data and ``ChunkFraming/end`` follow.
  public mutating func appendChunkPrefix(_ length: Int) {
    precondition(length > 0, "a chunk of no bytes would end the body")
    append(length, radix: 16)
    append("\r\n")
  }
}

/// What stands between and behind the chunks of a body.
public enum ChunkFraming {
  /// Behind a chunk's data.
  public static let end: StaticString = "\r\n"
  /// Behind the last chunk: the end of the body, without trailer fields.
  public static let last: StaticString = "0\r\n\r\n"
}
