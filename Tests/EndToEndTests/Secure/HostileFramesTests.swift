import Foundation
import Testing

/// What a hostile client of HTTP/2 sends gets the answer that the protocol has for it, and never reaches the application.
@Suite(.lane) struct HostileFramesTests {
  typealias Frame = RawHTTP2.Frame

  /// What a client says after its preface and settings.
  struct Case: Sendable {
    var testDescription: String
    var frames: [Frame]
  }

  private static func request(_ name: String, _ more: [(String, String)]) -> Case {
    Case(testDescription: name, frames: [.headers(1, RawHTTP2.request("GET", "/", more))])
  }

  private static func replaced(_ name: String, _ pseudo: String, by value: String?) -> Case {
    let fields = RawHTTP2.request().compactMap { field in
      field.0 == pseudo ? value.map { (pseudo, $0) } : field
    }
    return Case(testDescription: name, frames: [.headers(1, fields)])
  }

  static let malformedRequests: [Case] = [
    request("capitals", [("X-A", "b")]), request("line in a value", [("x", "a\r\nevil: b")]),
    request("bare line feed", [("x", "a\nevil: b")]), request("NUL", [("x", "a\0b")]),
    request("line in a name", [("x\r\nevil: b\r\ny", "a")]), request("blank in a name", [("x y", "a")]),
    request("colon in a name", [("x:y", "a")]),
    request("Connection", [("connection", "keep-alive")]), request("Upgrade", [("upgrade", "websocket")]),
    request("Transfer-Encoding", [("transfer-encoding", "chunked")]), request("TE", [("te", "gzip")]),
    request("two lengths", [("content-length", "0"), ("content-length", "0")]),
    request("length of no body", [("content-length", "5")]), request("length in words", [("content-length", "five")]),
    request("another host", [("host", "evil.test")]), request("late pseudo field", [("x", "y"), (":path", "/")]),
    request("unknown pseudo field", [(":evil", "x")]), request("white space at the end", [("x", "a ")]),
    replaced("no method", ":method", by: nil), replaced("no path", ":path", by: nil),
    replaced("empty path", ":path", by: ""), replaced("request in the path", ":path", by: "/ HTTP/1.1\r\nevil: b"),
    replaced("request in the method", ":method", by: "GET / HTTP/1.1\r\nevil: b\r\n\r\nGET"),
    replaced("blank in the path", ":path", by: "/a b"), replaced("no scheme", ":scheme", by: nil),
    replaced("line in the authority", ":authority", by: "a\r\nevil: b"), replaced("CONNECT", ":method", by: "CONNECT"),
    Case(
      testDescription: "body too long",
      frames: [
        .headers(1, RawHTTP2.request("POST", "/", [("content-length", "3")]), end: false),
        .data(1, [1, 2, 3, 4], end: true),
      ]),
    Case(
      testDescription: "body too short",
      frames: [
        .headers(1, RawHTTP2.request("POST", "/", [("content-length", "3")]), end: false), .data(1, [1], end: true),
      ]),
  ]

  static let brokenConnections: [Case] = [
    Case(testDescription: "data on no stream", frames: [.data(0, [1])]),
    request("no name", [("", "a")]),
    Case(testDescription: "data before a head", frames: [.data(1, [1])]),
    Case(testDescription: "stream of the server's", frames: [.headers(2, RawHTTP2.request())]),
    Case(testDescription: "window of nothing", frames: [.window(0, 0)]),
    Case(
      testDescription: "frame longer than allowed", frames: [.data(1, Array(repeating: 0, count: 20_000))]),
    Case(
      testDescription: "broken HPACK", frames: [Frame(type: 1, flags: 5, stream: 1, payload: [0xFF, 0xFF])]),
    Case(testDescription: "endless head", frames: endlessHead),
    Case(testDescription: "huge heads", frames: hugeHeads),
    Case(testDescription: "streams opened and reset", frames: resets),
    Case(testDescription: "empty data without end", frames: emptyData),
    Case(testDescription: "settings without end", frames: Array(repeating: Frame(type: 4), count: 1000)),
  ]

  private static let endlessHead: [Frame] = {
    let more = Frame(type: 9, stream: 1, payload: Frame.encoded([("x", "y")]))
    return [Frame(type: 1, stream: 1)] + Array(repeating: more, count: 100)
  }()

  private static let hugeHeads: [Frame] = (0..<300).map { number in
    let long = String(repeating: "y", count: 5_000)
    let fields = RawHTTP2.request("GET", "/", [("a", long), ("b", long), ("c", long), ("d", "y")])
    return Frame.headers(UInt32(1 + 2 * number), fields + fields.suffix(2))
  }

  private static let resets: [Frame] = (0..<1000).flatMap { number in
    let stream = UInt32(1 + 2 * number)
    return [Frame.headers(stream, RawHTTP2.request()), Frame.reset(stream)]
  }

  private static let emptyData: [Frame] = {
    let head = Frame.headers(1, RawHTTP2.request("POST"), end: false)
    return [head] + Array(repeating: Frame.data(1, []), count: 100)
  }()

  private func withServer(_ body: (Server) throws -> Void) throws {
    let site = try Site(["app.psgi": Site.app("do { print STDERR \"evil\\n\" if $env->{HTTP_EVIL}; 'ok' }")])
    try site.serve(Way.http2InTheClear.options(environment: "production")) { server throws in
      try body(server)
      #expect(!server.log.contains("evil"), "\(server)")
    }
  }

  @Test func malformedRequestsAreResetAndReachNobody() throws {
    try withServer { server throws in
      for hostile in Self.malformedRequests {
        let client = try RawHTTP2(server)
        for frame in hostile.frames { try client.send(frame) }
        let ending = try client.ending(of: 1)
        #expect(ending == .reset(code: 1), "\(hostile.testDescription): \(ending)\n\(server)")
        // The connection goes on with the next stream, and so do others.
        #expect(try client.text(3) == .answered("ok"), "\(hostile.testDescription)\n\(server)")
      }
      #expect(try server.text() == "ok", "\(server)")
    }
  }

  @Test func brokenConnectionsAreEndedAndHarmNobody() throws {
    try withServer { server throws in
      for hostile in Self.brokenConnections {
        let client = try RawHTTP2(server)
        // The server may have closed it before all is said.
        for frame in hostile.frames { guard (try? client.send(frame)) != nil else { break } }
        var ending = RawHTTP2.Ending.answered("")
        while case .answered = ending { ending = try client.ending(of: .max) }
        guard case .closed = ending else {
          Issue.record("\(hostile.testDescription): \(ending)\n\(server)")
          continue
        }
        #expect(try server.text() == "ok", "\(hostile.testDescription)\n\(server)")
      }
    }
  }

  @Test func strangersOfTheHandshakeAreClosed() throws {
    let site = try Site(["app.psgi": Site.app("'ok'")])
    try site.makeCertificate()
    var options = Way.tls.options()
    options.arguments += ["--read-timeout", "1"]
    try site.serve(options) { server throws in
      let (plain, silent) = (try server.connect(), try server.connect())
      try plain.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(try !plain.readSome().starts(with: Array("HTTP/1.1 200".utf8)), "\(server)")
      #expect(try silent.isClosed(), "\(server)")
      #expect(try server.curl(.tls).output == "ok", "\(server)")
    }
  }
}
