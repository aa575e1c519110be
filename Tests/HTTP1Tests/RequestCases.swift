import HTTP1
import Testing

/// A request that is served, and what is expected of its head where it differs from `GET / HTTP/1.1`, `Host: h`.
struct AcceptedCase: CustomTestStringConvertible {
  let request: String
  var method = "GET"
  var path = "/"
  var query = ""
  var authority: String? = "h"
  var minorVersion = 1
  var fields: [String] = ["Host: h"]
  var body = RequestHead.BodyFraming.none
  var keepsAlive = true
  var expectsContinue = false

  var testDescription: String { String(request.debugDescription.prefix(100)) }
}

/// `GET / HTTP/1.1` with a host and the given field lines.
private func get(_ lines: String...) -> String {
  "GET / HTTP/1.1\r\nHost: h\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
}

let acceptedCases: [AcceptedCase] = [
  // Request lines and targets.
  .init(request: get()),
  .init(request: "\r\n" + get()),
  .init(request: "\r\n\r\n\r\n\r\n" + get()),
  .init(request: "get / HTTP/1.1\r\nHost: h\r\n\r\n", method: "get"),
  .init(request: "M-SEARCH / HTTP/1.1\r\nHost: h\r\n\r\n", method: "M-SEARCH"),
  .init(request: "DELETE /a/b HTTP/1.1\r\nHost: h\r\n\r\n", method: "DELETE", path: "/a/b"),
  .init(request: "GET /a?b=c&d HTTP/1.1\r\nHost: h\r\n\r\n", path: "/a", query: "b=c&d"),
  .init(request: "GET /a?b?c HTTP/1.1\r\nHost: h\r\n\r\n", path: "/a", query: "b?c"),
  .init(request: "GET /? HTTP/1.1\r\nHost: h\r\n\r\n"),
  .init(request: "GET //a//b HTTP/1.1\r\nHost: h\r\n\r\n", path: "//a//b"),
  .init(request: "GET /%41%00%zz HTTP/1.1\r\nHost: h\r\n\r\n", path: "/%41%00%zz"),
  .init(request: "GET /a|b{c}^`\"<>\\ HTTP/1.1\r\nHost: h\r\n\r\n", path: "/a|b{c}^`\"<>\\"),
  .init(request: "GET /ä?ö HTTP/1.1\r\nHost: h\r\n\r\n", path: "/ä", query: "ö"),
  .init(request: "GET http://x HTTP/1.1\r\nHost: h\r\n\r\n", path: "", authority: "x"),
  .init(request: "GET http://x?q HTTP/1.1\r\nHost: h\r\n\r\n", path: "", query: "q", authority: "x"),
  .init(request: "GET HTTP://x:80/p?q HTTP/1.1\r\nHost: h\r\n\r\n", path: "/p", query: "q", authority: "x:80"),
  .init(request: "GET https://x/ HTTP/1.1\r\nHost: h\r\n\r\n", authority: "x"),
  .init(request: "GET http://[::1]:5000/ HTTP/1.1\r\nHost: h\r\n\r\n", authority: "[::1]:5000"),
  .init(request: "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", method: "OPTIONS", path: ""),
  .init(request: "OPTIONS /a HTTP/1.1\r\nHost: h\r\n\r\n", method: "OPTIONS", path: "/a"),
  // Versions.
  .init(request: "GET / HTTP/1.0\r\n\r\n", authority: nil, minorVersion: 0, fields: [], keepsAlive: false),
  .init(request: "GET / HTTP/1.0\r\nHost: h\r\n\r\n", minorVersion: 0, keepsAlive: false),
  .init(request: "GET / HTTP/1.9\r\nHost: h\r\n\r\n"),
  // Hosts.
  .init(request: "GET / HTTP/1.1\r\nHost:\r\n\r\n", authority: "", fields: ["Host: "]),
  .init(
    request: "GET / HTTP/1.1\r\nhOsT:  a-1.b_c.example:8080\t\r\n\r\n", authority: "a-1.b_c.example:8080",
    fields: ["hOsT: a-1.b_c.example:8080"]),
  .init(request: "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", authority: "[::1]:80", fields: ["Host: [::1]:80"]),
  .init(request: "GET / HTTP/1.1\r\nHost: h:\r\n\r\n", authority: "h:", fields: ["Host: h:"]),
  // Fields.
  .init(request: get("A:b"), fields: ["Host: h", "A: b"]),
  .init(request: get("A: \t b  c \t "), fields: ["Host: h", "A: b  c"]),
  .init(request: get("A:", "A: 1", "a: 2"), fields: ["Host: h", "A: ", "A: 1", "a: 2"]),
  .init(request: get("!#$%&'*+-.^`|~09: x"), fields: ["Host: h", "!#$%&'*+-.^`|~09: x"]),
  .init(request: get("A: tab\there, \"q\" ü"), fields: ["Host: h", "A: tab\there, \"q\" ü"]),
  .init(request: get("A: b:c: d"), fields: ["Host: h", "A: b:c: d"]),
  .init(request: get("Proxy: evil:3128", "A: b"), fields: ["Host: h", "A: b"]),
  .init(request: get("Proxy-Authorization: x"), fields: ["Host: h", "Proxy-Authorization: x"]),
  // Bodies.
  .init(request: get("Content-Length: 0"), fields: ["Host: h", "Content-Length: 0"]),
  .init(request: get("content-length:12"), fields: ["Host: h", "content-length: 12"], body: .length(12)),
  .init(request: get("Content-Length: 007"), fields: ["Host: h", "Content-Length: 007"], body: .length(7)),
  .init(
    request: get("Content-Length: 9223372036854775807"), fields: ["Host: h", "Content-Length: 9223372036854775807"],
    body: .length(.max)),
  .init(
    request: get("Transfer-Encoding: chunked"), fields: ["Host: h", "Transfer-Encoding: chunked"], body: .chunked),
  .init(
    request: get("TRANSFER-ENCODING: \tChunked "), fields: ["Host: h", "TRANSFER-ENCODING: Chunked"], body: .chunked),
  .init(
    request: get("Content-Length: 1", "Expect: 100-Continue"),
    fields: ["Host: h", "Content-Length: 1", "Expect: 100-Continue"], body: .length(1), expectsContinue: true),
  .init(request: get("Expect: 100-continue"), fields: ["Host: h", "Expect: 100-continue"]),
  .init(
    request: "GET / HTTP/1.0\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n", minorVersion: 0,
    fields: ["Host: h", "Content-Length: 1", "Expect: 100-continue"], body: .length(1), keepsAlive: false),
  // Connections.
  .init(request: get("Connection: close"), fields: ["Host: h", "Connection: close"], keepsAlive: false),
  .init(
    request: get("Connection: Upgrade, CLOSE"), fields: ["Host: h", "Connection: Upgrade, CLOSE"], keepsAlive: false),
  .init(request: get("Connection: closer"), fields: ["Host: h", "Connection: closer"]),
  .init(request: get("Connection:", "Connection: ,"), fields: ["Host: h", "Connection: ", "Connection: ,"]),
  .init(
    request: get("Connection: keep-alive", "connection: close"),
    fields: ["Host: h", "Connection: keep-alive", "connection: close"], keepsAlive: false),
  .init(
    request: "GET / HTTP/1.0\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n", minorVersion: 0,
    fields: ["Host: h", "Connection: Keep-Alive"]),
  .init(
    request: "GET / HTTP/1.0\r\nHost: h\r\nConnection: keep-alive, close\r\n\r\n", minorVersion: 0,
    fields: ["Host: h", "Connection: keep-alive, close"], keepsAlive: false),
]

/// Requests that are refused, and why.
let refusedCases: [(String, Refusal)] = [
  // Line ends.
  ("GET / HTTP/1.1\nHost: h\n\n", .badLineEnd),
  ("GET / HTTP/1.1\r\nHost: h\n\r\n", .badLineEnd),
  ("GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", .badLineEnd),
  ("GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", .badLineEnd),
  ("GET / HTTP/1.1\rHost: h\r\n\r\n", .badLineEnd),
  (get("A: b").replacing("\r\n\r\n", with: "\r\n\n"), .badLineEnd),
  (get("A: b\nContent-Length: 5"), .badLineEnd),
  (get("A\n: b"), .badFieldName),
  ("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .badMethod),
  ("\rGET / HTTP/1.1\r\nHost: h\r\n\r\n", .badLineEnd),
  ("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", .tooManyEmptyLines),
  // Request lines.
  (" GET / HTTP/1.1\r\nHost: h\r\n\r\n", .badMethod),
  ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", .badMethod),
  ("GE(T / HTTP/1.1\r\nHost: h\r\n\r\n", .badMethod),
  ("GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", .badMethod),
  ("GET\r\n\r\n", .badMethod),
  ("GETGETGETGETGETGETGETGETGETGETGET / HTTP/1.1\r\nHost: h\r\n\r\n", .methodTooLong),
  ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET /  HTTP/1.1\r\nHost: h\r\n\r\n", .badVersion),
  ("GET /\tHTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET /\u{0} HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET /\u{7F} HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET /\r\n\r\n", .badTarget),
  ("GET / \r\n\r\n", .badVersion),
  ("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", .badVersion),
  ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", .badVersion),
  ("GET / http/1.1\r\nHost: h\r\n\r\n", .badVersion),
  ("GET / HTTP/1\r\nHost: h\r\n\r\n", .badVersion),
  ("GET / HTTP/11.1\r\nHost: h\r\n\r\n", .badVersion),
  ("GET / HTTP/1.10\r\nHost: h\r\n\r\n", .badVersion),
  ("GET / HTTP/1.x\r\nHost: h\r\n\r\n", .badVersion),
  ("GET / ICE/1.0\r\nHost: h\r\n\r\n", .badVersion),
  ("GET / HTTP/0.9\r\nHost: h\r\n\r\n", .versionNotSupported),
  ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", .versionNotSupported),
  ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .versionNotSupported),
  // Targets.
  ("GET a HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("OPTIONS ** HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET ?a HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET /?a#b HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET http:/h/ HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET http:// HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET http:///p HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET http://user@x/ HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET http://x:8o/ HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET http://x\\y/ HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", .badTarget),
  ("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", .connectNotSupported),
  ("CONNECT / HTTP/1.1\r\nHost: h\r\n\r\n", .connectNotSupported),
  // Fields.
  (get(": b"), .badFieldName),
  (get("A"), .badFieldName),
  (get("A B: c"), .spaceBeforeColon),
  (get("A : b"), .spaceBeforeColon),
  (get("A\t: b"), .spaceBeforeColon),
  (get("Content-Length : 5"), .spaceBeforeColon),
  (get("A(: b"), .badFieldName),
  (get("A\u{0}: b"), .badFieldName),
  (get("Ä: b"), .badFieldName),
  (get("X_Y: b"), .underscoreInFieldName),
  (get("Content_Length: 5"), .underscoreInFieldName),
  (get("A: b", " c"), .foldedField),
  (get("A: b", "\tc"), .foldedField),
  ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", .foldedField),
  (get("A: b\u{0}c"), .badFieldValue),
  (get("A: \u{1}"), .badFieldValue),
  (get("A: long enough for words\u{7F}"), .badFieldValue),
  (get("A: long enough for words \u{8}and more of it"), .badFieldValue),
  // Hosts.
  ("GET / HTTP/1.1\r\n\r\n", .missingHost),
  ("GET http://h/ HTTP/1.1\r\n\r\n", .missingHost),
  (get("Host: h"), .repeatedHost),
  (get("host: other"), .repeatedHost),
  ("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", .repeatedHost),
  ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .badHost),
  ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .badHost),
  ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .badHost),
  ("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", .badHost),
  ("GET / HTTP/1.1\r\nHost: :80\r\n\r\n", .badHost),
  ("GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", .badHost),
  ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .badHost),
  ("GET / HTTP/1.1\r\nHost: []\r\n\r\n", .badHost),
  ("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", .badHost),
  ("GET / HTTP/1.1\r\nHost: \"a\"\r\n\r\n", .badHost),
  ("GET / HTTP/1.1\r\nHost: ä\r\n\r\n", .badHost),
  // Bodies.
  (get("Content-Length:"), .badContentLength),
  (get("Content-Length: +5"), .badContentLength),
  (get("Content-Length: -5"), .badContentLength),
  (get("Content-Length: 0x5"), .badContentLength),
  (get("Content-Length: 5 5"), .badContentLength),
  (get("Content-Length: 5, 5"), .badContentLength),
  (get("Content-Length: 5,6"), .badContentLength),
  (get("Content-Length: 5;"), .badContentLength),
  (get("Content-Length: ٥"), .badContentLength),
  (get("Content-Length: 9223372036854775808"), .badContentLength),
  (get("Content-Length: 18446744073709551621"), .badContentLength),
  (get("Content-Length: 5", "Content-Length: 6"), .repeatedContentLength),
  (get("Content-Length: 5", "Content-Length: 5"), .repeatedContentLength),
  (get("Content-Length: 5", "Transfer-Encoding: chunked"), .lengthAndTransferEncoding),
  (get("Transfer-Encoding: chunked", "Content-Length: 0"), .lengthAndTransferEncoding),
  (get("Transfer-Encoding:"), .badTransferEncoding),
  (get("Transfer-Encoding: ,chunked"), .badTransferEncoding),
  (get("Transfer-Encoding: chunked, chunked"), .badTransferEncoding),
  (get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"), .badTransferEncoding),
  (get("Transfer-Encoding: chunked, gzip"), .badTransferEncoding),
  (get("Transfer-Encoding: chunked;q=1"), .badTransferEncoding),
  (get("Transfer-Encoding: \"chunked\""), .badTransferEncoding),
  (get("Transfer-Encoding: gzip, chunked"), .transferCodingNotSupported),
  (get("Transfer-Encoding: gzip", "Transfer-Encoding: chunked"), .transferCodingNotSupported),
  (get("Transfer-Encoding: identity"), .transferCodingNotSupported),
  (get("Transfer-Encoding: xchunked"), .transferCodingNotSupported),
  ("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingInHTTP10),
  (get("Content-Length: 1", "Expect: 200-ok"), .expectationNotSupported),
]
