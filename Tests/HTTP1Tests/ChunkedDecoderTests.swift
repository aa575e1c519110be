import HTTP1
import Testing

/// What a decoder made of input that came in the given pieces.
private struct Decoded: Equatable {
  var body: [UInt8] = []
  /// The input bytes up to the end of the body; nil if it did not end.
  var consumed: Int?
  var refusal: Refusal?
}

private func decode(_ pieces: [ArraySlice<UInt8>], maximumOverhead: Int = 1000) -> Decoded {
  var decoder = ChunkedDecoder(maximumOverhead: maximumOverhead)
  var decoded = Decoded()
  var before = 0
  for piece in pieces {
    let done = Array(piece).withUnsafeBytes { piece in
      var rest = piece
      while true {
        switch decoder.decode(rest) {
        case .data(let range):
          decoded.body += rest[range]
          rest = UnsafeRawBufferPointer(rebasing: rest[range.upperBound...])
        case .needsMore: return false
        case .finished(let consumed):
          decoded.consumed = before + piece.count - rest.count + consumed
          return true
        case .refused(let refusal):
          decoded.refusal = refusal
          return true
        }
      }
    }
    if done { break }
    before += piece.count
  }
  return decoded
}

private func decode(_ text: String, maximumOverhead: Int = 1000) -> Decoded {
  decode([Array(text.utf8)[...]], maximumOverhead: maximumOverhead)
}

@Suite struct ChunkedDecoderTests {
  @Test(arguments: [
    ("0\r\n\r\n", ""),
    ("3\r\nabc\r\n0\r\n\r\n", "abc"),
    ("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc"),
    ("00000003\r\nabc\r\n000\r\n\r\n", "abc"),
    ("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789"),
    ("5\r\n\r\n0\r\n\r\n0\r\n\r\n", "\r\n0\r\n"),
    ("3;name\r\nabc\r\n0;last=\"a;b\"\r\n\r\n", "abc"),
    ("3 \t; name = x\r\nabc\r\n0\r\n\r\n", "abc"),
    ("3\r\nabc\r\n0\r\nA: b\r\nContent-Length:5\r\n\r\n", "abc"),
    ("0\r\nA:\r\n\r\n", ""),
  ])
  func chunkedBodyIsDecodedHoweverItArrives(_ text: String, _ body: String) {
    let input = Array((text + "GET / HTTP/1.1\r\n").utf8)
    let expected = Decoded(body: Array(body.utf8), consumed: text.utf8.count)
    #expect(decode([input[...]]) == expected)
    #expect(decode(input.indices.map { input[$0...$0] }) == expected)
    for split in input.indices {
      #expect(decode([input[..<split], input[split...]]) == expected, "split at \(split)")
    }
  }

  @Test(arguments: [
    ("\r\n", Refusal.badChunkSize),
    ("g\r\n", .badChunkSize),
    ("-1\r\n", .badChunkSize),
    ("+1\r\n", .badChunkSize),
    ("0x1\r\n", .badChunkSize),
    (" 1\r\n", .badChunkSize),
    ("8000000000000000\r\n", .badChunkSize),
    ("FFFFFFFFFFFFFFFF\r\n", .badChunkSize),
    ("10000000000000001\r\n", .badChunkSize),
    ("00000000000000003\r\nabc\r\n", .badChunkSize),
    ("3,\r\n", .badChunkSize),
    ("1 \r\na\r\n", .badChunkExtension),
    ("1 1\r\n", .badChunkExtension),
    ("1;\u{0}\r\n", .badChunkExtension),
    ("1;a\nb\r\n", .badLineEnd),
    ("1\na\r\n", .badLineEnd),
    ("1\ra\r\n", .badLineEnd),
    ("1;a\rb\r\n", .badLineEnd),
    ("1\r\nab\r\n", .badChunkEnd),
    ("2\r\na\r\n0\r\n\r\n", .badChunkEnd),
    ("1\r\na\n0\r\n\r\n", .badChunkEnd),
    ("1\r\na\r0\r\n\r\n", .badChunkEnd),
    ("0\r\n\n", .badLineEnd),
    ("0\r\n\rx", .badLineEnd),
    ("0\r\n A: b\r\n\r\n", .badTrailer),
    ("0\r\n: b\r\n\r\n", .badTrailer),
    ("0\r\nA b\r\n\r\n", .badTrailer),
    ("0\r\nA : b\r\n\r\n", .badTrailer),
    ("0\r\nA\r\n\r\n", .badTrailer),
    ("0\r\nA: \u{0}\r\n\r\n", .badTrailer),
    ("0\r\nA: b\n\r\n", .badLineEnd),
    ("0\r\nA: b\rB: c\r\n\r\n", .badLineEnd),
  ])
  func brokenFramingIsRefused(_ text: String, _ refusal: Refusal) {
    let input = Array(text.utf8)
    #expect(decode([input[...]]).refusal == refusal)
    #expect(decode(input.indices.map { input[$0...$0] }).refusal == refusal)
  }

  @Test func overheadIsBounded() {
    let filler = String(repeating: "x", count: 60)
    let extensions = "1;\(filler)\r\na\r\n"
    #expect(decode(extensions, maximumOverhead: 100).refusal == nil)
    #expect(decode(extensions + extensions, maximumOverhead: 100).refusal == .chunkExtensionsTooLong)
    #expect(decode("0\r\nA: \(filler)\r\n", maximumOverhead: 100).refusal == nil)
    #expect(decode("0\r\nA: \(filler)\r\nB: \(filler)\r\n", maximumOverhead: 100).refusal == .trailerTooLong)
  }

  @Test func aRefusalAndAnEndAreFinal() {
    var decoder = ChunkedDecoder()
    _ = Array("x".utf8).withUnsafeBytes { decoder.decode($0) }
    #expect(Array("0\r\n\r\n".utf8).withUnsafeBytes { decoder.decode($0) } == .refused(.badChunkSize))
    decoder = ChunkedDecoder()
    #expect(Array("0\r\n\r\n".utf8).withUnsafeBytes { decoder.decode($0) } == .finished(consumed: 5))
    #expect(decoder.isFinished)
    #expect(Array("0\r\n\r\n".utf8).withUnsafeBytes { decoder.decode($0) } == .finished(consumed: 0))
  }

  @Test func theLargestSizeIsTaken() {
    var decoder = ChunkedDecoder()
    let input = Array("7fffffffffffffff\r\nabc".utf8)
    #expect(input.withUnsafeBytes { decoder.decode($0) } == .data(18..<21))
  }

  @Test(arguments: 0..<20)
  func randomBodiesInRandomPiecesAreDecoded(_ seed: UInt64) {
    var dice = Dice(state: seed)
    for _ in 0..<50 {
      let body = (0..<dice.roll(2000)).map { _ in UInt8(dice.roll(256)) }
      var input: [UInt8] = []
      var rest = body[...]
      while !rest.isEmpty {
        let chunk = rest.prefix(1 + dice.roll(300))
        let size = String(chunk.count, radix: 16, uppercase: dice.roll(2) == 0)
        input += Array((String(repeating: "0", count: dice.roll(3)) + size).utf8)
        input += Array(dice.pick(["", "", ";a=b", " ; c"]).utf8) + Array("\r\n".utf8)
        input += chunk + Array("\r\n".utf8)
        rest = rest.dropFirst(chunk.count)
      }
      input += Array(dice.pick(["0\r\n\r\n", "00;x\r\nA: b\r\n\r\n"]).utf8)
      let length = input.count
      input += Array("POST".utf8)

      var pieces: [ArraySlice<UInt8>] = []
      var tail = input[...]
      while !tail.isEmpty {
        pieces.append(tail.prefix(1 + dice.roll(200)))
        tail = tail.dropFirst(pieces.last?.count ?? 0)
      }
      #expect(decode(pieces, maximumOverhead: 100_000) == Decoded(body: body, consumed: length))
    }
  }
}
