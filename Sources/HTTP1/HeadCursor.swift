/// Why reading a head ends early.
enum HeadStop: Error {
  case incomplete
  case refused(Refusal)
}

/// A place in the bytes of a head that may not be complete.
struct HeadCursor {
  let base: UnsafeRawPointer
  /// Behind the last byte that may be read.
  let end: Int
  /// What it means to arrive there.
  let stopAtEnd: HeadStop
  /// The offset of the byte that ``byte()`` gives.
  var offset = 0

  init(_ bytes: UnsafeRawBufferPointer, base: UnsafeRawPointer, maximum: Int) {
    self.base = base
    end = min(bytes.count, maximum)
    stopAtEnd = bytes.count < maximum ? .incomplete : .refused(.headTooLarge)
  }

  /// The byte at the offset.
  @inline(__always)
  func byte() throws(HeadStop) -> UInt8 {
    guard offset < end else { throw stopAtEnd }
    return base.load(fromByteOffset: offset, as: UInt8.self)
  }

  /// Moves past `byte`, which must come next.
  @inline(__always)
  mutating func expect(_ expected: UInt8, otherwise refusal: Refusal) throws(HeadStop) {
    guard try byte() == expected else { throw .refused(refusal) }
    offset += 1
  }

  /// Moves past the line end that must come next.
  @inline(__always)
  mutating func expectLineEnd(otherwise refusal: Refusal) throws(HeadStop) {
    let next = try byte()
    guard next == .carriageReturn else { throw .refused(next == .lineFeed ? .badLineEnd : refusal) }
    offset += 1
    try expect(.lineFeed, otherwise: .badLineEnd)
  }

  /// Moves to the first control character, HTAB excepted.
  @inline(__always)
  mutating func skipFieldValue() throws(HeadStop) {
    while true {
      // Eight at a time: values are most of a head.
      while offset + 8 <= end {
        let word = base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        guard !Self.containsControl(word) else { break }
        offset += 8
      }
      // The word that stopped the loop may have been a HTAB's.
      let stop = min(offset + 8, end)
      while offset < stop {
        guard try byte().isFieldValue else { return }
        offset += 1
      }
      if offset == end { throw stopAtEnd }
    }
  }

  /// Whether one of the eight bytes is below 0x20 or 0x7F: the test for a byte below n,
  /// `(x - n * 0x01..01) & ~x & 0x80..80`, on the bytes and on their difference from 0x7F.
  @inline(__always)
  static func containsControl(_ word: UInt64) -> Bool {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let deletes = word ^ (ones &* 0x7F)
    let below = (word &- (ones &* 0x20)) & ~word
    return (below | ((deletes &- ones) & ~deletes)) & (ones &* 0x80) != 0
  }
}
