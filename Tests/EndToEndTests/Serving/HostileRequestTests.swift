import Foundation
import Testing

/// Requests that two servers could read differently, or that are none: refused, and never the application's.
@Suite(.lane) struct HostileRequestTests {
  /// Bytes that are sent, and the status of the answer.
  private struct Hostile {
    var bytes: [UInt8]
    var status: Int

    init(_ text: String, _ status: Int = 400) { (bytes, self.status) = (Array(text.utf8), status) }

    /// A byte between two texts.
    init(_ before: String, _ byte: UInt8, _ after: String) {
      (bytes, status) = (Array(before.utf8) + [byte] + Array(after.utf8), 400)
    }

    var text: String { String(decoding: bytes.prefix(300), as: UTF8.self).debugDescription }
  }

  /// What would be a request, if the one before it ended where its sender wants it to.
  private static let smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"

  private static let controls = Array(0...31) + [127] as [UInt8]

  private static func fields(_ lines: String...) -> String {
    "GET /hostile HTTP/1.1\r\nHost: h\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
  }

  private static func chunked(_ body: String) -> String {
    "POST /hostile HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body
  }

  private static func bytesOutOfPlace() -> [Hostile] {
    let value = controls.filter { ![9, 10, 13].contains($0) }
    let name = controls + Array(" \"(),/;<=>?@[\\]{}_".utf8) + [0x80, 0xC3, 0xFF]
    return value.map { Hostile("GET /hostile HTTP/1.1\r\nHost: h\r\nA: b", $0, "c\r\n\r\n") }
      + name.map { Hostile("GET /hostile HTTP/1.1\r\nHost: h\r\nA", $0, "b: c\r\n\r\n") }
      + (controls + [32]).map { Hostile("GET /hos", $0, "tile HTTP/1.1\r\nHost: h\r\n\r\n") }
      + (controls + Array(" \"(),/:;<=>?@[\\]{}".utf8) + [0x80, 0xFF]).map {
        Hostile("G", $0, "ET /hostile HTTP/1.1\r\nHost: h\r\n\r\n")
      }
      + (controls + Array(" /\\@\"<>^`{}|#?".utf8) + [0xC3]).filter { $0 != 13 && $0 != 10 }.map {
        Hostile("GET /hostile HTTP/1.1\r\nHost: a", $0, "b\r\n\r\n")
      }
  }

  private static func lines() -> [Hostile] {
    let versions = [
      "", " ", "http/1.1", "HTTP/1", "HTTP/1.", "HTTP/.1", "HTTP/1.10", "HTTP/11.1", "HTTP/1.x", "HTTP /1.1",
      "HTTP/1.1 ", "HTTP/1.1 x", "HTTPS/1.1", "ICE/1.0",
    ]
    let targets = [
      "hostile", "*", "**", "?a", "/a#b", "//a#b", "ftp://h/", "http:/h/", "http://", "http:///p", "http://user@x/",
      "http://x:8o/", "h:80", "http://[::1/",
    ]
    return versions.map { Hostile("GET /hostile \($0)\r\nHost: h\r\n\r\n") }
      + targets.map { Hostile("GET \($0) HTTP/1.1\r\nHost: h\r\n\r\n") }
      + ["HTTP/0.9", "HTTP/2.0", "HTTP/3.0"].map { Hostile("GET /hostile \($0)\r\nHost: h\r\n\r\n", 505) }
      + [
        Hostile("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), Hostile("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 501),
        Hostile("GET /hostile\r\n\r\n"), Hostile("\r\n\r\n\r\n\r\n\r\n\r\n" + fields()),
        Hostile("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{FC}"), Hostile("SSH-2.0-OpenSSH_9.2\r\n"),
        Hostile("EHLO example.org\r\n"), Hostile("{\"jsonrpc\":\"2.0\"}\r\n\r\n"), Hostile("\u{0}\u{0}\u{0}\u{0}"),
      ]
  }

  private static func smuggling() -> [Hostile] {
    let lengths = [
      "", "+5", "-5", "0x5", "5 5", "5, 5", "5,6", "5;", "5.0", "1e1", "five", "٥", "9223372036854775808",
      "18446744073709551621", "\"5\"",
    ]
    let codings = [
      "", ",chunked", "chunked,", "chunked, chunked", "chunked, gzip", "chunked;q=1", "\"chunked\"", "chunked chunked",
      "chunked, identity",
    ]
    let unknown = ["gzip", "identity", "xchunked", "chunke", "gzip, chunked", "chunked-x"]
    return lengths.map { Hostile(fields("Content-Length: \($0)") + "hello") }
      + codings.map { Hostile(fields("Transfer-Encoding: \($0)") + "0\r\n\r\n") }
      + unknown.map { Hostile(fields("Transfer-Encoding: \($0)") + "0\r\n\r\n", 501) }
      + [
        Hostile(fields("Content-Length: 5", "Transfer-Encoding: chunked") + "0\r\n\r\n"),
        Hostile(fields("Transfer-Encoding: chunked", "Content-Length: 5") + "0\r\n\r\n"),
        Hostile(fields("Content-Length: 0", "Transfer-Encoding: chunked") + "0\r\n\r\n"),
        Hostile(fields("Content-Length: 5", "Content-Length: 6")),
        Hostile(fields("Content-Length: 5", "content-length: 5")),
        Hostile(fields("Content-Length : 5")), Hostile(fields("Transfer-Encoding : chunked")),
        Hostile(fields("Transfer-Encoding\u{B}: chunked")), Hostile(fields("Content_Length: 5")),
        Hostile(fields(" Content-Length: 5")), Hostile(fields("A: b", "\tContent-Length: 5")),
        Hostile(fields("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
        Hostile(fields("Transfer-Encoding:\u{B}chunked")), Hostile(fields("A: b\nTransfer-Encoding: chunked")),
        Hostile(fields("A: b\rTransfer-Encoding: chunked")), Hostile("GET /hostile HTTP/1.1\nHost: h\n\n"),
        Hostile("GET /hostile HTTP/1.1\r\nHost: h\r\nA: b\r\n\n"),
        Hostile("POST /hostile HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        Hostile("GET /hostile HTTP/1.1\r\n\r\n"), Hostile(fields("Host: h")), Hostile(fields("Host: other")),
        Hostile(fields("Expect: 200-ok"), 417), Hostile(fields("Expect: 100-continue, x"), 417),
        Hostile(fields("Expect:"), 417),
      ]
  }

  private static func bodies() -> [Hostile] {
    let sizes = [
      "", " ", "x", "-1", "+1", "0x1", "1 1", "1\u{0}", "g", "FFFFFFFFFFFFFFFFF", "8000000000000000",
      "00000000000000001", " 1", "1_0", "1,", "\"1\"",
    ]
    let trailers = ["A", "A b: c", ": b", "A : b", " A: b", "A: b\u{0}", "A: b\nC: d", "A: b\rC: d"]
    return sizes.map { Hostile(chunked("\($0)\r\na\r\n0\r\n\r\n")) }
      + trailers.map { Hostile(chunked("0\r\n\($0)\r\n\r\n")) }
      + [
        Hostile(chunked("1\na\r\n0\r\n\r\n")), Hostile(chunked("1\ra\r\n0\r\n\r\n")),
        Hostile(chunked("1\r\nab\r\n0\r\n\r\n")),
        Hostile(chunked("1\r\na0\r\n\r\n")), Hostile(chunked("1\r\na\n0\r\n\r\n")),
        Hostile(chunked("2\r\na\r\n0\r\n\r\n")),
        Hostile(chunked("1;a=\u{1}\r\na\r\n0\r\n\r\n")), Hostile(chunked("1;a\nb\r\na\r\n0\r\n\r\n")),
        Hostile(chunked("1;" + String(repeating: "a", count: 70_000) + "\r\na\r\n0\r\n\r\n")),
        Hostile(chunked("0\r\nA: " + String(repeating: "b", count: 70_000) + "\r\n\r\n"), 431),
      ]
  }

  private static func sizes() -> [Hostile] {
    let long = String(repeating: "a", count: 20_000)
    return [
      Hostile("GET /\(long) HTTP/1.1\r\nHost: h\r\n\r\n", 414), Hostile(fields("A: \(long)"), 431),
      Hostile(fields("\(long): a"), 431),
      Hostile(String(repeating: "G", count: 33) + " / HTTP/1.1\r\nHost: h\r\n\r\n", 501),
      Hostile("GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "A: b\r\n", count: 100) + "\r\n", 431),
      Hostile("GET /hostile HTTP/1.1\r\nHost: \(long)\r\n\r\n", 431),
    ]
  }

  @Test(arguments: ["development", "production"])
  func eachIsRefusedAndNoneReachesTheApplication(_ environment: String) throws {
    let corpus = Self.bytesOutOfPlace() + Self.lines() + Self.smuggling() + Self.bodies() + Self.sizes()
    #expect(corpus.count >= 250)
    let site = try Site([
      "app.psgi": """
      sub {
        open my $log, '>>', "$ENV{REACHED}" or die; print $log "$_[0]{REQUEST_METHOD} $_[0]{REQUEST_URI}\\n"; close $log;
        [200, [], ['fine']];
      };
      """
    ])
    let reached = site.notes + "/reached"
    let options = ServerOptions(environment: environment, workers: 1, variables: ["REACHED": reached])
    try site.serve(options) { server throws in
      for hostile in corpus {
        let connection = try server.connect()
        // It is refused as soon as it is read; the rest may find the connection closed.
        try? connection.send(hostile.bytes + Array(Self.smuggled.utf8))
        let answer = try? connection.response()
        let told = answer.map { "\($0.status) \($0.text)" } ?? "no answer"
        #expect(answer?.status == hostile.status, "\(hostile.text): \(told)")
        #expect((try? connection.isClosed()) == true, "\(hostile.text)")
        #expect(try server.text("/fine") == "fine", "\(hostile.text)")
      }
      let lines = Set(contents(of: reached).split(separator: "\n"))
      #expect(lines == ["GET /fine"], "\(lines)")
    }
  }
}
