import HTTP1
import Testing

@Suite struct RequestHeadTests {
  @Test(arguments: acceptedCases)
  func validRequestIsRead(_ expected: AcceptedCase) throws {
    let seen = try #require(parse(expected.request).seen)
    #expect(seen.method == expected.method)
    #expect(seen.path == expected.path)
    #expect(seen.query == expected.query)
    #expect(seen.authority == expected.authority)
    #expect(seen.minorVersion == expected.minorVersion)
    #expect(seen.fields == expected.fields)
    #expect(seen.body == expected.body)
    #expect(seen.keepsAlive == expected.keepsAlive)
    #expect(seen.expectsContinue == expected.expectsContinue)
    #expect(seen.headLength == expected.request.utf8.count)
  }

  @Test(arguments: refusedCases)
  func invalidRequestIsRefused(_ request: String, _ refusal: Refusal) {
    #expect(parse(request) == .refused(refusal))
  }

  @Test(arguments: acceptedCases)
  func everyBeginningOfAHeadIsIncomplete(_ request: AcceptedCase) {
    let bytes = Array(request.request.utf8)
    for length in 0..<bytes.count {
      #expect(parse(bytes[..<length]) == .incomplete, "after \(length) bytes")
    }
  }

  @Test(arguments: acceptedCases)
  func whatFollowsTheHeadDoesNotChangeIt(_ request: AcceptedCase) {
    let alone = parse(request.request)
    #expect(parse(request.request + "\n\u{0} GET / HTTP/1.1\r\n") == alone)
  }

  @Test(arguments: refusedCases)
  func aRefusalStandsHoweverTheBytesArrive(_ request: String, _ refusal: Refusal) {
    let bytes = Array(request.utf8)
    for length in 0..<bytes.count {
      let outcome = parse(bytes[..<length])
      #expect(outcome == .incomplete || outcome == .refused(refusal), "after \(length) bytes")
    }
  }

  @Test func everyRefusalOfAHeadHasACase() {
    let ofLimits: Set<Refusal> = [.targetTooLong, .tooManyFields, .headTooLarge]
    let ofChunks: Set<Refusal> = [
      .badChunkSize, .badChunkExtension, .chunkExtensionsTooLong, .badChunkEnd, .badTrailer, .trailerTooLong,
    ]
    // Whoever reads the body refuses it for its length.
    let tested = Set(refusedCases.map(\.1)).union(ofLimits).union(ofChunks).union([.bodyTooLarge])
    #expect(tested == Set(Refusal.allCases))
  }

  @Test func oneHeadServesRequestsOneAfterAnother() {
    var head = RequestHead()
    for request in acceptedCases {
      let fresh = parse(request.request)
      #expect(parse(request.request.utf8, with: &head) == fresh)
    }
  }

  @Test func knownNamesAreFoundInAnyCase() {
    for name in FieldName.allCases where name != .other && name != .host && name != .proxy {
      let value =
        switch name {
        case .contentLength: "1"
        case .transferEncoding: "chunked"
        case .expect: "100-continue"
        default: "v"
        }
      let spelling = "\(name.spelling)"
      for written in [spelling, spelling.uppercased()] {
        let request = "GET / HTTP/1.1\r\nHost: h\r\n\(written): \(value)\r\nx\(spelling): 1\r\n\r\n"
        #expect(parse(request).seen?.known == [.host, name, .other])
      }
    }
  }

  @Test(arguments: ["Hos", "Hosts", "Cookiz", "Content-Lengtl", "Content~Length", "Kccept"])
  func aNameThatOnlyResemblesAKnownOneIsOther(_ name: String) {
    #expect(parse("GET / HTTP/1.1\r\nHost: h\r\n\(name): 1\r\n\r\n").seen?.known == [.host, .other])
  }

  @Test func proxyFieldIsDroppedAndTold() {
    let with = parse("GET / HTTP/1.1\r\nHost: h\r\npROXY: p\r\n\r\n").seen
    #expect(with?.hasDroppedProxyField == true)
    #expect(with?.known == [.host])
    #expect(parse("GET / HTTP/1.1\r\nHost: h\r\n\r\n").seen?.hasDroppedProxyField == false)
  }

  @Test(arguments: [("HEAD", true), ("GET", false), ("head", false), ("HEADS", false)])
  func headMethodIsTold(_ method: String, _ isHead: Bool) {
    #expect(parse("\(method) / HTTP/1.1\r\nHost: h\r\n\r\n").seen?.isHead == isHead)
  }
}

@Suite struct RequestLimitTests {
  private let start = "GET / HTTP/1.1\r\nHost: h\r\n"

  @Test func aHeadOfTheMaximumSizeIsServedAndOneByteMoreIsRefused() {
    var limits = Limits()
    limits.maximumHead = 200
    let fits = start + "A: " + String(repeating: "x", count: 200 - start.utf8.count - 7) + "\r\n\r\n"
    #expect(fits.utf8.count == 200)
    #expect(parse(fits, limits: limits).seen != nil)
    #expect(parse(fits + "GET / HTTP/1.1\r\n", limits: limits).seen != nil)
    let larger = fits.replacing("A: ", with: "A: x")
    #expect(parse(larger, limits: limits) == .refused(.headTooLarge))
  }

  @Test func anIncompleteHeadBeyondTheMaximumIsRefused() {
    var limits = Limits()
    limits.maximumHead = 200
    let text = start + "A: " + String(repeating: "x", count: 300)
    #expect(parse(text.utf8.prefix(199), limits: limits) == .incomplete)
    #expect(parse(text.utf8.prefix(200), limits: limits) == .refused(.headTooLarge))
    #expect(parse(text, limits: limits) == .refused(.headTooLarge))
  }

  @Test func aTargetBeyondTheMaximumIsRefusedAsSoonAsItIsSeen() {
    var limits = Limits()
    limits.maximumTarget = 50
    let path = "/" + String(repeating: "x", count: 49)
    #expect(parse("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n", limits: limits).seen?.path == path)
    #expect(parse("GET \(path)", limits: limits) == .incomplete)
    #expect(parse("GET \(path)y", limits: limits) == .refused(.targetTooLong))
    #expect(parse("GET \(path)y HTTP/1.1\r\nHost: h\r\n\r\n", limits: limits) == .refused(.targetTooLong))
  }

  @Test func moreFieldsThanTheMaximumAreRefused() {
    let lines = (1...99).map { "A\($0): x\r\n" }.joined()
    #expect(parse(start + lines + "\r\n").seen?.fields.count == 100)
    #expect(parse(start + lines + "B: x\r\n\r\n") == .refused(.tooManyFields))
  }

  @Test func everyRefusalHasAnErrorStatusAndASentence() {
    for refusal in Refusal.allCases {
      #expect([400, 413, 414, 417, 431, 501, 505].contains(refusal.status))
      #expect("\(refusal.explanation)".hasSuffix("."))
    }
  }
}

@Suite struct PercentEncodingTests {
  private func decode(_ text: String) -> String? {
    var memory = [UInt8](repeating: 0, count: text.utf8.count)
    let written = Array(text.utf8).withUnsafeBytes { bytes in
      memory.withUnsafeMutableBytes {
        PercentEncoding.decode(bytes, into: $0.baseAddress ?? UnsafeMutableRawPointer(bitPattern: 1)!)
      }
    }
    return written.map { String(decoding: memory[..<$0], as: UTF8.self) }
  }

  @Test(arguments: [
    ("", ""), ("/a+b", "/a+b"), ("/%41%7a%C3%a4", "/Azä"), ("%2F%25", "/%"), ("%00", "\u{0}"),
  ])
  func validEncodingIsDecoded(_ encoded: String, _ decoded: String) {
    #expect(decode(encoded) == decoded)
  }

  @Test(arguments: ["%", "%4", "a%", "%4g", "%g4", "%%41", "% 41"])
  func invalidEncodingIsRefused(_ encoded: String) {
    #expect(decode(encoded) == nil)
  }
}
