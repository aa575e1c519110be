import HTTP1

/// A parsed head as plain values, to compare.
struct Seen: Equatable {
  var method = ""
  var target = ""
  var path = ""
  var query = ""
  var authority: String?
  var minorVersion = 1
  var fields: [String] = []
  var body = RequestHead.BodyFraming.none
  var keepsAlive = true
  var expectsContinue = false
  var isHead = false
  var hasDroppedProxyField = false
  var known: [FieldName] = []
  var headLength = 0

  init(_ head: borrowing RequestHead, in bytes: UnsafeRawBufferPointer, headLength: Int) {
    func text(_ range: ByteRange) -> String { String(decoding: range.slice(of: bytes), as: UTF8.self) }
    method = text(head.method)
    target = text(head.target)
    path = text(head.path)
    query = text(head.query)
    authority = head.authority.map(text)
    minorVersion = head.minorVersion
    fields = head.fields.map { "\(text($0.name)): \(text($0.value))" }
    body = head.bodyFraming
    keepsAlive = head.keepsAlive
    expectsContinue = head.expectsContinue
    isHead = head.isHead
    hasDroppedProxyField = head.hasDroppedProxyField
    known = head.fields.map(\.known)
    self.headLength = headLength
  }
}

/// What became of the bytes of a request.
enum Outcome: Equatable {
  case complete(Seen)
  case incomplete
  case refused(Refusal)

  var seen: Seen? {
    if case .complete(let seen) = self { return seen }
    return nil
  }
}

/// Parses `bytes` with a head that served another request before, as in a server.
func parse(_ bytes: some Sequence<UInt8>, limits: Limits = Limits()) -> Outcome {
  var head = RequestHead(limits: limits)
  let before =
    "OPTIONS https://before/x?y HTTP/1.0\r\nProxy: p\r\nA: b\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
  _ = Array(before.utf8).withUnsafeBytes { head.parse($0) }
  return parse(bytes, with: &head)
}

/// Parses `bytes` with a given head.
func parse(_ bytes: some Sequence<UInt8>, with head: inout RequestHead) -> Outcome {
  Array(bytes).withUnsafeBytes { bytes in
    switch head.parse(bytes) {
    case .complete(let length): .complete(Seen(head, in: bytes, headLength: length))
    case .incomplete: .incomplete
    case .refused(let refusal): .refused(refusal)
    }
  }
}

func parse(_ text: String, limits: Limits = Limits()) -> Outcome { parse(text.utf8, limits: limits) }

/// SplitMix64: the same requests in every run.
struct Dice: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func roll(_ sides: Int) -> Int { Int.random(in: 0..<sides, using: &self) }
  mutating func pick<T>(_ items: [T]) -> T { items[roll(items.count)] }
}
