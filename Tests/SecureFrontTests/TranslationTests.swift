import NIOHPACK
import NIOHTTP1
import Testing

@testable import SecureFront

@Suite struct TranslationTests {
  private typealias Fields = [(String, String)]
  private let request: Fields = [
    (":method", "GET"), (":scheme", "https"), (":path", "/a?b=c"), (":authority", "shop.example:8443"),
  ]

  private func head(_ fields: [(String, String)], isWhole: Bool = true) throws -> HTTPRequestHead {
    try RequestTranslation.head(of: HPACKHeaders(fields), isWhole: isWhole)
  }

  @Test func requestBecomesOneOfHTTP11() throws {
    let head = try head(request + [("user-agent", "x"), ("te", "trailers"), ("accept", "*/*")])
    #expect(head.method == .GET && head.uri == "/a?b=c" && head.version == .http1_1)
    #expect(
      head.headers.map { "\($0.name): \($0.value)" } == ["Host: shop.example:8443", "user-agent: x", "accept: */*"])
  }

  @Test func crumbsOfCookiesAreJoined() throws {
    let head = try head(request + [("cookie", "a=1"), ("accept", "*/*"), ("cookie", "b=2")])
    #expect(head.headers["cookie"] == ["a=1; b=2"])
  }

  @Test func hostStandsInForAnAuthorityAndMustAgreeWithIt() throws {
    let bare = Array(request.dropLast())
    #expect(try head(bare + [("host", "shop.example")]).headers["host"] == ["shop.example"])
    #expect(try head(request + [("host", "Shop.example:8443")]).headers["host"] == ["shop.example:8443"])
    #expect(throws: MalformedRequest.host) { try head(request + [("host", "other.example")]) }
    #expect(throws: MalformedRequest.host) { try head(bare) }
  }

  @Test(
    arguments: [
      ("GET", true, nil, []), ("POST", true, nil, ["content-length: 0"]), ("POST", true, "0", ["content-length: 0"]),
      ("POST", false, "5", ["content-length: 5"]), ("POST", false, nil, ["transfer-encoding: chunked"]),
      ("GET", false, nil, ["transfer-encoding: chunked"]),
    ] as [(String, Bool, String?, [String])])
  func bodyIsFramed(_ method: String, _ isWhole: Bool, _ length: String?, _ expected: [String]) throws {
    let fields = [(":method", method)] + request.dropFirst() + (length.map { [("content-length", $0)] } ?? [])
    let headers = try head(fields, isWhole: isWhole).headers
    let framing = headers.filter { ["content-length", "transfer-encoding"].contains($0.name) }
    #expect(framing.map { "\($0.name): \($0.value)" } == expected)
  }

  @Test(arguments: [
    ("x", "a\r\nb: c"), ("x", "a\nb"), ("x", "a\rb"), ("x", "a\0b"), ("x", " a"), ("x", "a "), ("x", "\ta"),
    ("x", "a\u{7F}"),
    ("x y", "a"), ("x:", "a"), ("", "a"), ("X", "a"), ("x\r\ny", "a"), ("x\0", "a"), ("ü", "a"),
    ("connection", "close"), ("keep-alive", "5"), ("proxy-connection", "x"), ("transfer-encoding", "chunked"),
    ("upgrade", "websocket"), ("te", "gzip"), ("te", "trailers, gzip"), ("http2-settings", "AAMAAABkAAQAAP__"),
    ("content-length", "+5"), ("content-length", "-1"), ("content-length", "5, 5"), ("content-length", ""),
    ("content-length", "0x5"), ("content-length", "9999999999999999999"), ("content-length", "3"),
    ("host", "a@shop.example:8443"), (":path", "/b"), (":status", "200"), (":x", "y"),
  ])
  func whatCouldBeReadOtherwiseIsRefused(_ name: String, _ value: String) {
    #expect(throws: MalformedRequest.self) { try head(request + [(name, value)]) }
  }

  @Test(arguments: [
    (":method", "GET /x HTTP/1.1\r\nHost: y\r\n\r\nGET"), (":method", ""), (":method", "CONNECT"), (":method", "A B"),
    (":path", ""), (":path", "a"), (":path", "*"), (":path", "/a b"), (":path", "/a\r\nb: c"), (":path", "/#a"),
    (":path", "https://shop.example/"), (":scheme", "ftp"), (":scheme", "http\r\n"), (":authority", ""),
    (":authority", "user@shop.example"), (":authority", "shop.example/x"), (":authority", "a b"),
    (":authority", "a\r\nb"),
  ])
  func pseudoFieldsAreWhatTheySay(_ name: String, _ value: String) {
    let fields = request.map { $0.0 == name ? (name, value) : $0 }
    #expect(throws: MalformedRequest.self) { try head(fields) }
  }

  @Test(arguments: [":method", ":scheme", ":path"]) func pseudoFieldsMayNotBeMissing(_ name: String) {
    #expect(throws: MalformedRequest.pseudoField(name)) { try head(request.filter { $0.0 != name }) }
  }

  @Test func lengthComesOnce() {
    let fields = request + [("content-length", "5"), ("content-length", "5")]
    #expect(throws: MalformedRequest.contentLength) { try head(fields, isWhole: false) }
  }

  @Test func responseKeepsWhatIsNotItsConnections() {
    let head = HTTPResponseHead(
      version: .http1_1, status: .notFound,
      headers: [
        "Content-Type": "text/plain", "Connection": "close, X-Hop", "X-Hop": "1", "Keep-Alive": "5",
        "Transfer-Encoding": "chunked", "Set-Cookie": "a", "Upgrade": "h2c",
      ])
    var fields = ResponseTranslation.headers(of: head)
    fields.add(name: "set-cookie", value: "b")
    #expect(
      fields.map { "\($0.name): \($0.value)" }
        == [":status: 404", "content-type: text/plain", "set-cookie: a", "set-cookie: b"])
  }
}
