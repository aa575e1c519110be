extension RequestHead {
  /// Takes ``target``, which is not empty, apart.
  mutating func readTarget(_ bytes: UnsafeRawBufferPointer) throws(HeadStop) {
    let whole = target.slice(of: bytes)
    let methodBytes = method.slice(of: bytes)
    isHead = methodBytes.isExactly("HEAD")
    guard !methodBytes.isExactly("CONNECT") else { throw .refused(.connectNotSupported) }
    switch whole[0] {
    case UInt8(ascii: "/"):
      targetForm = .origin
      try readPath(from: 0, of: whole)
    case UInt8(ascii: "*") where whole.count == 1 && methodBytes.isExactly("OPTIONS"):
      targetForm = .asterisk
      path = ByteRange(Int(target.upper), Int(target.upper))
      query = path
    default:
      targetForm = .absolute
      try readAbsolute(whole)
    }
  }

  /// Sets ``path`` and ``query`` from what begins at `start`, an offset in the target.
  private mutating func readPath(from start: Int, of whole: UnsafeRawBufferPointer) throws(HeadStop) {
    let origin = Int(target.lower)
    var mark: Int?
    for index in start..<whole.count {
      let byte = whole[index]
      // A fragment is not for servers (RFC 9112, 3.2): whoever sends one means something else than we would read.
      if byte == UInt8(ascii: "#") { throw .refused(.badTarget) }
      if byte == UInt8(ascii: "?"), mark == nil { mark = index }
    }
    path = ByteRange(origin + start, origin + (mark ?? whole.count))
    query = ByteRange(origin + (mark.map { $0 + 1 } ?? whole.count), origin + whole.count)
  }

  private mutating func readAbsolute(_ whole: UnsafeRawBufferPointer) throws(HeadStop) {
    var start = 0
    if whole.begins("http://") {
      start = 7
    } else if whole.begins("https://") {
      start = 8
      isSecureTarget = true
    } else {
      throw .refused(.badTarget)
    }
    var end = start
    while end < whole.count, whole[end] != UInt8(ascii: "/"), whole[end] != UInt8(ascii: "?") { end += 1 }
    guard UnsafeRawBufferPointer(rebasing: whole[start..<end]).isAuthority else { throw .refused(.badTarget) }
    authority = ByteRange(Int(target.lower) + start, Int(target.lower) + end)
    try readPath(from: end, of: whole)
  }
}

extension UnsafeRawBufferPointer {
  /// Whether the bytes are exactly `word`; methods are case-sensitive.
  func isExactly(_ word: StaticString) -> Bool {
    guard count == word.utf8CodeUnitCount else { return false }
    for index in 0..<count where self[index] != word.utf8Start[index] { return false }
    return true
  }

  /// Whether the bytes begin with `scheme`, in any case.
  fileprivate func begins(_ scheme: StaticString) -> Bool {
    let length = scheme.utf8CodeUnitCount
    guard count >= length else { return false }
    for index in 0..<length {
      let byte = self[index]
      let isUpper = byte &- 0x41 < 26
      guard (isUpper ? byte | 0x20 : byte) == scheme.utf8Start[index] else { return false }
    }
    return true
  }

  /// Whether the bytes are a host, not empty, with or without a port: a name, an IPv4 address or a bracketed literal.
  /// User information (`user@`) is none.
  var isAuthority: Bool {
    guard !isEmpty else { return false }
    var index = 0
    if self[0] == UInt8(ascii: "[") {
      guard let close = firstIndex(of: UInt8(ascii: "]")), close > 1 else { return false }
      for byte in self[1..<close] where !byte.isHostCharacter { return false }
      index = close + 1
    } else {
      while index < count, self[index] != UInt8(ascii: ":") {
        guard self[index].isHostCharacter else { return false }
        index += 1
      }
      guard index > 0 else { return false }
    }
    guard index < count else { return true }
    guard self[index] == UInt8(ascii: ":") else { return false }
    return self[(index + 1)...].allSatisfy(\.isDigit)
  }
}

/// Percent-encoding (RFC 3986, 2.1).
public enum PercentEncoding {
  /// Decodes `bytes` to `memory`, which has room for as many bytes as they are, and returns the number written; nil if
  /// a `%` is not followed by two hexadecimal digits. `+` stays what it is.
  public static func decode(_ bytes: UnsafeRawBufferPointer, into memory: UnsafeMutableRawPointer) -> Int? {
    var read = 0
    var written = 0
    while read < bytes.count {
      var byte = bytes[read]
      read += 1
      if byte == UInt8(ascii: "%") {
        guard read + 2 <= bytes.count, let high = bytes[read].hexadecimalValue,
          let low = bytes[read + 1].hexadecimalValue
        else { return nil }
        byte = high << 4 | low
        read += 2
      }
      memory.storeBytes(of: byte, toByteOffset: written, as: UInt8.self)
      written += 1
    }
    return written
  }
}
