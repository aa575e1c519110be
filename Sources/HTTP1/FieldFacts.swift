/// What the header fields say about the connection and the body, gathered while they are read.
struct FieldFacts {
  var host: ByteRange?
  var contentLength: Int?
  var isChunked = false
  var closes = false
  var keepsAlive = false
  var expectsContinue = false

  /// Takes in one field of a head in `bytes`.
  @inline(__always)
  mutating func note(_ field: RequestHead.Field, of bytes: UnsafeRawBufferPointer) throws(Refusal) {
    switch field.known {
    case .host: try noteHost(field.value, of: bytes)
    case .contentLength: try noteContentLength(field.value.slice(of: bytes))
    case .transferEncoding: try noteTransferEncoding(field.value.slice(of: bytes))
    case .connection: noteConnection(field.value.slice(of: bytes))
    case .expect: try noteExpectation(field.value.slice(of: bytes))
    default: break
    }
  }

  private mutating func noteHost(_ value: ByteRange, of bytes: UnsafeRawBufferPointer) throws(Refusal) {
    guard host == nil else { throw .repeatedHost }
    // An empty host is what a client sends that has none (RFC 9110, 7.2).
    guard value.isEmpty || value.slice(of: bytes).isAuthority else { throw .badHost }
    host = value
  }

  /// Equal repeated values are refused too: a list of them is the mark of a request that was glued together.
  private mutating func noteContentLength(_ value: UnsafeRawBufferPointer) throws(Refusal) {
    guard contentLength == nil else { throw .repeatedContentLength }
    guard let length = value.decimalValue else { throw .badContentLength }
    contentLength = length
  }

  /// `chunked`, once: it must come last and may not be applied twice, and there is no other coding.
  private mutating func noteTransferEncoding(_ value: UnsafeRawBufferPointer) throws(Refusal) {
    guard !isChunked else { throw .badTransferEncoding }
    var hasOther = false
    for item in ListItems(value) {
      guard item.isToken, !isChunked else { throw .badTransferEncoding }
      if item.spells("chunked") { isChunked = true } else { hasOther = true }
    }
    if hasOther { throw .transferCodingNotSupported }
  }

  private mutating func noteConnection(_ value: UnsafeRawBufferPointer) {
    for item in ListItems(value) {
      if item.spells("close") { closes = true } else if item.spells("keep-alive") { keepsAlive = true }
    }
  }

  private mutating func noteExpectation(_ value: UnsafeRawBufferPointer) throws(Refusal) {
    guard value.spells("100-continue") else { throw .expectationNotSupported }
    expectsContinue = true
  }
}

/// The items of a comma-separated list without the white space around them. An empty value is one empty item.
struct ListItems: Sequence, IteratorProtocol {
  private let bytes: UnsafeRawBufferPointer
  /// Where the next item begins; nil behind the last.
  private var rest: Int? = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func next() -> UnsafeRawBufferPointer? {
    guard var lower = rest else { return nil }
    var upper = lower
    while upper < bytes.count, bytes[upper] != UInt8(ascii: ",") { upper += 1 }
    rest = upper < bytes.count ? upper + 1 : nil
    while lower < upper, bytes[lower].isBlank { lower += 1 }
    while upper > lower, bytes[upper - 1].isBlank { upper -= 1 }
    return UnsafeRawBufferPointer(rebasing: bytes[lower..<upper])
  }
}
