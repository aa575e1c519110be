extension RequestHead {
  /// Parses the head that `bytes` begin with. The same bytes with more behind them give the same head.
  ///
  /// It is strict (RFC 9112): what two servers could read differently is refused.
  public mutating func parse(_ bytes: UnsafeRawBufferPointer) -> Parsed {
    reset()
    guard let base = bytes.baseAddress else { return .incomplete }
    var cursor = HeadCursor(bytes, base: base, maximum: limits.maximumHead)
    do throws(HeadStop) {
      try skipEmptyLines(&cursor)
      try readRequestLine(&cursor)
      var facts = FieldFacts()
      while try readField(&cursor, &facts) {}
      try conclude(facts)
      return .complete(headLength: cursor.offset)
    } catch {
      switch error {
      case .incomplete: return .incomplete
      case .refused(let refusal): return .refused(refusal)
      }
    }
  }

  private mutating func reset() {
    fieldCount = 0
    authority = nil
    isSecureTarget = false
    contentLength = nil
    isChunked = false
    expectsContinue = false
    hasDroppedProxyField = false
  }

  /// Some clients send CR LF behind a body.
  private func skipEmptyLines(_ cursor: inout HeadCursor) throws(HeadStop) {
    var lines = 0
    while try cursor.byte() == .carriageReturn {
      lines += 1
      guard lines <= limits.maximumEmptyLines else { throw .refused(.tooManyEmptyLines) }
      try cursor.expectLineEnd(otherwise: .badLineEnd)
    }
  }

  private mutating func readRequestLine(_ cursor: inout HeadCursor) throws(HeadStop) {
    let start = cursor.offset
    while try cursor.byte().isToken {
      cursor.offset += 1
      guard cursor.offset - start <= limits.maximumMethod else { throw .refused(.methodTooLong) }
    }
    method = ByteRange(start, cursor.offset)
    guard !method.isEmpty else { throw .refused(.badMethod) }
    try cursor.expect(.space, otherwise: .badMethod)

    let targetStart = cursor.offset
    // A target that is too long is told from a head that is too long, even before it has arrived whole.
    let farthest = min(cursor.end, targetStart + limits.maximumTarget + 1)
    while cursor.offset < farthest {
      let next = try cursor.byte()
      guard next > .space, next != 0x7F else { break }
      cursor.offset += 1
    }
    guard cursor.offset - targetStart <= limits.maximumTarget else { throw .refused(.targetTooLong) }
    target = ByteRange(targetStart, cursor.offset)
    guard try cursor.byte() == .space, !target.isEmpty else { throw .refused(.badTarget) }
    cursor.offset += 1
    try readVersion(&cursor)
    try readTarget(UnsafeRawBufferPointer(start: cursor.base, count: cursor.end))
  }

  private mutating func readVersion(_ cursor: inout HeadCursor) throws(HeadStop) {
    let prefix: StaticString = "HTTP/"
    for index in 0..<5 { try cursor.expect(prefix.utf8Start[index], otherwise: .badVersion) }
    let major = try cursor.byte()
    guard major.isDigit else { throw .refused(.badVersion) }
    cursor.offset += 1
    try cursor.expect(UInt8(ascii: "."), otherwise: .badVersion)
    let minor = try cursor.byte()
    guard minor.isDigit else { throw .refused(.badVersion) }
    cursor.offset += 1
    try cursor.expectLineEnd(otherwise: .badVersion)
    guard major == UInt8(ascii: "1") else { throw .refused(.versionNotSupported) }
    minorVersion = minor == UInt8(ascii: "0") ? 0 : 1
  }

  /// Reads one field, or the empty line behind the last one: then it returns false.
  @inline(__always)
  private mutating func readField(_ cursor: inout HeadCursor, _ facts: inout FieldFacts) throws(HeadStop) -> Bool {
    let start = cursor.offset
    while try cursor.byte().isToken {
      guard try cursor.byte() != UInt8(ascii: "_") else { throw .refused(.underscoreInFieldName) }
      cursor.offset += 1
    }
    let name = ByteRange(start, cursor.offset)
    guard !name.isEmpty else {
      if try cursor.byte().isBlank { throw .refused(.foldedField) }
      try cursor.expectLineEnd(otherwise: .badFieldName)
      return false
    }
    let colon = try cursor.byte()
    guard colon == UInt8(ascii: ":") else { throw .refused(colon.isBlank ? .spaceBeforeColon : .badFieldName) }
    cursor.offset += 1

    while try cursor.byte().isBlank { cursor.offset += 1 }
    let valueStart = cursor.offset
    try cursor.skipFieldValue()
    var valueEnd = cursor.offset
    while valueEnd > valueStart, cursor.base.load(fromByteOffset: valueEnd - 1, as: UInt8.self).isBlank {
      valueEnd -= 1
    }
    try cursor.expectLineEnd(otherwise: .badFieldValue)

    let bytes = UnsafeRawBufferPointer(start: cursor.base, count: cursor.end)
    let field = Field(
      name: name, value: ByteRange(valueStart, valueEnd), known: FieldName(name.slice(of: bytes)))
    try add(field, of: bytes, &facts)
    return true
  }

  @inline(__always)
  private mutating func add(
    _ field: Field, of bytes: UnsafeRawBufferPointer, _ facts: inout FieldFacts
  ) throws(HeadStop) {
    guard field.known != .proxy else {
      hasDroppedProxyField = true
      return
    }
    guard fieldCount < limits.maximumFields else { throw .refused(.tooManyFields) }
    (storage + fieldCount).initialize(to: field)
    fieldCount += 1
    do throws(Refusal) {
      try facts.note(field, of: bytes)
    } catch {
      throw .refused(error)
    }
  }

  /// What the fields mean together with the request line.
  private mutating func conclude(_ facts: FieldFacts) throws(HeadStop) {
    if facts.host == nil, minorVersion > 0 { throw .refused(.missingHost) }
    if authority == nil { authority = facts.host }
    if facts.isChunked {
      if minorVersion == 0 { throw .refused(.transferEncodingInHTTP10) }
      if facts.contentLength != nil { throw .refused(.lengthAndTransferEncoding) }
    }
    contentLength = facts.contentLength
    isChunked = facts.isChunked
    keepsAlive = minorVersion > 0 ? !facts.closes : facts.keepsAlive && !facts.closes
    // HTTP/1.0 has no 100 (RFC 9110, 10.1.1).
    expectsContinue = facts.expectsContinue && minorVersion > 0 && bodyFraming != .none
  }
}
