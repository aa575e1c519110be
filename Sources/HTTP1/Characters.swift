/// The character classes of RFC 9110, as bit sets: no table to initialize, no memory to touch.
extension UInt8 {
  /// `tchar`: what methods and field names consist of.
  @inline(__always)
  var isToken: Bool {
    self < 0x80 && (self < 0x40 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE) >> (self & 0x3F) & 1 != 0
  }

  /// What a registered name or a port in a host consists of (RFC 3986: unreserved, sub-delims, `%`, `:`).
  @inline(__always)
  var isHostCharacter: Bool {
    self < 0x80 && (self < 0x40 ? 0x2FFF_7FF2_0000_0000 : 0x47FF_FFFE_87FF_FFFE) >> (self & 0x3F) & 1 != 0
  }

  /// SP or HTAB, the optional white space around field values.
  @inline(__always) var isBlank: Bool { self == .space || self == .tab }
  /// Whether the byte may stand in a field value: HTAB, SP, visible ASCII, `obs-text`.
  @inline(__always) var isFieldValue: Bool { self >= 0x20 && self != 0x7F || self == .tab }
  /// `0` to `9`.
  @inline(__always) var isDigit: Bool { self &- 0x30 < 10 }

  /// The value of a hexadecimal digit.
  @inline(__always)
  var hexadecimalValue: UInt8? {
    if isDigit { return self &- 0x30 }
    let letter = (self | 0x20) &- 0x61
    return letter < 6 ? letter + 10 : nil
  }

  static let tab: UInt8 = 0x09
  static let lineFeed: UInt8 = 0x0A
  static let carriageReturn: UInt8 = 0x0D
  static let space: UInt8 = 0x20
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes spell `word` (lower-case ASCII letters, digits and hyphens), in any case. The bytes must be
  /// token characters: for those, setting bit 5 only ever changes upper-case letters into lower-case ones.
  @inline(__always)
  func spells(_ word: StaticString) -> Bool {
    guard count == word.utf8CodeUnitCount else { return false }
    let letters = word.utf8Start
    for index in 0..<count where self[index] | 0x20 != letters[index] { return false }
    return true
  }

  /// Whether the bytes are a token: a method or a field name.
  var isToken: Bool {
    for byte in self where !byte.isToken { return false }
    return !isEmpty
  }

  /// The number that the bytes spell in decimal digits only; nil if it is none or too large.
  var decimalValue: Int? {
    guard !isEmpty else { return nil }
    var number = 0
    for digit in self {
      guard digit.isDigit else { return nil }
      let (tens, overflow) = number.multipliedReportingOverflow(by: 10)
      let (sum, overflowOfSum) = tens.addingReportingOverflow(Int(digit &- 0x30))
      guard !overflow, !overflowOfSum else { return nil }
      number = sum
    }
    return number
  }

  /// Whether the bytes can stand in a field value.
  var isFieldValue: Bool {
    var index = 0
    while index < count {
      if index + 8 <= count, !HeadCursor.containsControl(loadUnaligned(fromByteOffset: index, as: UInt64.self)) {
        index += 8
        continue
      }
      guard self[index].isFieldValue else { return false }
      index += 1
    }
    return true
  }
}
