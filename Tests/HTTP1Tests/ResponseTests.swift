import HTTP1
import Testing

private func text(_ buffer: borrowing ByteBuffer) -> String { String(decoding: buffer.bytes, as: UTF8.self) }

/// Writes a head as a worker does.
private func write(
  status: Int = 200, _ fields: [(String, String)], minorVersion: Int = 1, isHead: Bool = false, length: Int? = nil,
  keepsAlive: Bool = true
) throws -> String {
  var buffer = ByteBuffer(capacity: 1)
  var head = ResponseHead()
  try head.begin(status: status, in: &buffer)
  for (name, value) in fields {
    let name = Array(name.utf8)
    let value = Array(value.utf8)
    // The closures of the standard library cannot rethrow typed errors through two levels.
    var fault: ResponseFault?
    name.withUnsafeBytes { name in
      value.withUnsafeBytes { value in
        do throws(ResponseFault) { try head.add(name, value, to: &buffer) } catch { fault = error }
      }
    }
    if let fault { throw fault }
  }
  let framing = try ResponseFraming.decide(
    requestMinorVersion: minorVersion, isHead: isHead, status: status, application: head.fields,
    knownBodyLength: length, keepsAlive: keepsAlive)
  head.end(framing, now: 784_111_777, in: &buffer)
  return text(buffer)
}

@Suite struct ResponseHeadTests {
  @Test func aHeadIsWrittenInOrder() throws {
    #expect(
      try write([("Content-Type", "text/plain"), ("X-A", ""), ("x-a", "ü\t1")], length: 5)
        == "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-A: \r\nx-a: ü\t1\r\n"
        + "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 5\r\n\r\n")
  }

  @Test func theApplicationsDateStands() throws {
    #expect(try write([("date", "today")], length: 0) == "HTTP/1.1 200 OK\r\ndate: today\r\nContent-Length: 0\r\n\r\n")
  }

  @Test func fieldsOfTheConnectionAreTheServers() throws {
    let head = try write(
      [
        ("Date", "d"), ("Connection", "keep-alive, x-y"), ("Keep-Alive", "timeout=5"), ("CONTENT-LENGTH", "5"),
        ("Content-Length", "05"),
      ], length: 5)
    #expect(head == "HTTP/1.1 200 OK\r\nDate: d\r\nContent-Length: 5\r\n\r\n")
  }

  @Test func unregisteredStatusHasAnEmptyPhrase() throws {
    #expect(try write(status: 299, [("Date", "d")], length: 0).hasPrefix("HTTP/1.1 299 \r\n"))
    #expect("\(ReasonPhrase.of(404))" == "Not Found")
  }

  @Test(arguments: [99, 1000, 0, -1])
  func impossibleStatusIsAFault(_ status: Int) {
    #expect(throws: ResponseFault.badStatus(status)) { try write(status: status, []) }
  }

  @Test(arguments: [
    ("", "v", ResponseFault.badFieldName),
    ("a b", "v", .badFieldName),
    ("a:", "v", .badFieldName),
    ("a\r\nb", "v", .badFieldName),
    ("a\u{0}", "v", .badFieldName),
    ("ä", "v", .badFieldName),
    ("a", "v\r\nSet-Cookie: x", .badFieldValue),
    ("a", "v\n", .badFieldValue),
    ("a", "\r", .badFieldValue),
    ("a", "0123456789\u{0}0123456789", .badFieldValue),
    ("a", "\u{7F}", .badFieldValue),
    ("Connection", "close\r\n", .badFieldValue),
    ("Content-Length", "", .badContentLength),
    ("Content-Length", "-1", .badContentLength),
    ("Content-Length", "5 ", .badContentLength),
    ("Content-Length", "99999999999999999999", .badContentLength),
  ])
  func badFieldIsAFault(_ name: String, _ value: String, _ fault: ResponseFault) {
    #expect(throws: fault) { try write([(name, value)]) }
  }

  @Test func differentContentLengthsAreAFault() {
    #expect(throws: ResponseFault.differentContentLengths) {
      try write([("Content-Length", "1"), ("Content-Length", "2")])
    }
  }

  @Test func closingAndKeepingAreSaid() throws {
    let date = ("Date", "d")
    #expect(try write([date], length: 0, keepsAlive: false).hasSuffix("Connection: close\r\n\r\n"))
    #expect(try write([date, ("Connection", "Close")], length: 0).hasSuffix("Connection: close\r\n\r\n"))
    #expect(try write([date], minorVersion: 0, length: 0).hasSuffix("Connection: keep-alive\r\n\r\n"))
    #expect(try write([date]).hasSuffix("d\r\nTransfer-Encoding: chunked\r\n\r\n"))
    #expect(try write([date], minorVersion: 0).hasSuffix("d\r\nConnection: close\r\n\r\n"))
  }

  @Test func theServersOwnAnswerIsWhole() {
    var buffer = ByteBuffer()
    let body = Array("wait".utf8)
    body.withUnsafeBytes {
      ResponseHead.writeAnswer(status: 503, body: $0, retryAfter: 1, now: 784_111_777, in: &buffer)
    }
    let head =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\n"
      + "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 4\r\nConnection: close\r\n\r\n"
    #expect(text(buffer) == head + "wait")
    buffer.truncate()
    body.withUnsafeBytes {
      ResponseHead.writeAnswer(status: 503, body: $0, isHead: true, retryAfter: 1, now: 784_111_777, in: &buffer)
    }
    #expect(text(buffer) == head)
    buffer.truncate()
    ResponseHead.writeAnswer(to: .missingHost, now: 0, in: &buffer)
    #expect(text(buffer).hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
    #expect(text(buffer).hasSuffix("\r\n\r\nThe request has no Host field."))
  }
}

/// A response's circumstances and what is decided.
struct FramingCase: CustomTestStringConvertible {
  var why: String
  var minorVersion = 1
  var isHead = false
  var status = 200
  var application: ApplicationFields = .init()
  var length: Int?
  var wantsKeeping = true
  var body: ResponseFraming.Body
  var contentLength: Int?
  var keepsAlive = true

  var testDescription: String { why }
}

private func fields(length: Int? = nil, isChunked: Bool = false, closes: Bool = false) -> ApplicationFields {
  var fields = ApplicationFields()
  fields.contentLength = length
  fields.isChunked = isChunked
  fields.closes = closes
  return fields
}

let framingCases: [FramingCase] = [
  .init(why: "a known body", length: 5, body: .length(5), contentLength: 5),
  .init(why: "an empty body", length: 0, body: .length(0), contentLength: 0),
  .init(why: "a declared length", application: fields(length: 9), body: .length(9), contentLength: 9),
  .init(
    why: "a declared and known length", application: fields(length: 9), length: 9, body: .length(9), contentLength: 9),
  .init(why: "an unknown length", body: .chunked),
  .init(why: "an unknown length in 1.0", minorVersion: 0, body: .untilClose, keepsAlive: false),
  .init(why: "a known length in 1.0", minorVersion: 0, length: 5, body: .length(5), contentLength: 5),
  .init(why: "chunks by the application", application: fields(isChunked: true), body: .chunkedByApplication),
  .init(
    why: "chunks by the application and a length", application: fields(length: 5, isChunked: true), length: 9,
    body: .chunkedByApplication),
  .init(
    why: "chunks by the application in 1.0", minorVersion: 0, application: fields(isChunked: true), length: 9,
    body: .untilClose, keepsAlive: false),
  .init(
    why: "the application closes", application: fields(closes: true), length: 5, body: .length(5), contentLength: 5,
    keepsAlive: false),
  .init(why: "the client closes", wantsKeeping: false, body: .chunked, keepsAlive: false),
  .init(why: "204", status: 204, application: fields(length: 5), length: 5, body: .none),
  .init(why: "100", status: 100, body: .none),
  .init(why: "205", status: 205, length: 5, body: .none, contentLength: 0),
  .init(why: "304 without a length", status: 304, length: 0, body: .none),
  .init(
    why: "304 with a length", status: 304, application: fields(length: 9), length: 0, body: .none, contentLength: 9),
  .init(why: "204 in 1.0", minorVersion: 0, status: 204, body: .none),
  .init(
    why: "HEAD with a length", isHead: true, application: fields(length: 9), length: 0, body: .none, contentLength: 9),
  .init(why: "HEAD with a body", isHead: true, length: 9, body: .none, contentLength: 9),
  .init(why: "HEAD with an empty body", isHead: true, length: 0, body: .none),
  .init(why: "HEAD in 1.0", minorVersion: 0, isHead: true, body: .none),
]

@Suite struct ResponseFramingTests {
  @Test(arguments: framingCases)
  func framingFollowsFromRequestAndResponse(_ expected: FramingCase) throws {
    let framing = try ResponseFraming.decide(
      requestMinorVersion: expected.minorVersion, isHead: expected.isHead, status: expected.status,
      application: expected.application, knownBodyLength: expected.length, keepsAlive: expected.wantsKeeping)
    #expect(framing.body == expected.body)
    #expect(framing.contentLength == expected.contentLength)
    #expect(framing.keepsAlive == expected.keepsAlive)
    #expect(framing.saysKeepAlive == (expected.keepsAlive && expected.minorVersion == 0))
  }

  @Test func aBodyOfAnotherLengthThanDeclaredIsAFault() {
    #expect(throws: ResponseFault.lengthMismatch(declared: 5, actual: 6)) {
      try ResponseFraming.decide(
        requestMinorVersion: 1, isHead: false, status: 200, application: fields(length: 5), knownBodyLength: 6,
        keepsAlive: true)
    }
  }
}

@Suite struct ByteBufferTests {
  @Test func bytesComeAndGo() {
    var buffer = ByteBuffer(capacity: 64)
    buffer.append("0123456789")
    buffer.removeFirst(4)
    #expect(text(buffer) == "456789")
    for _ in 0..<100 { buffer.append("abcdefghij") }
    #expect(text(buffer) == "456789" + String(repeating: "abcdefghij", count: 100))
    buffer.truncate(to: 3)
    let room = buffer.room(for: 2)
    room[0] = UInt8(ascii: "x")
    room[1] = UInt8(ascii: "y")
    buffer.didWrite(2)
    #expect(text(buffer) == "456xy")
    buffer.removeFirst(5)
    #expect(text(buffer) == "")
  }

  @Test func numbersAreWritten() {
    var buffer = ByteBuffer(capacity: 64)
    for number in [0, 7, 10, 255, 4096, Int.max] {
      buffer.append(number)
      buffer.append(" ")
      buffer.append(number, radix: 16)
      buffer.append(" ")
    }
    #expect(text(buffer) == "0 0 7 7 10 a 255 ff 4096 1000 9223372036854775807 7fffffffffffffff ")
  }

  @Test func writtenChunksAreReadBack() {
    var buffer = ByteBuffer(capacity: 64)
    buffer.appendChunkPrefix(300)
    for _ in 0..<300 { buffer.append("x") }
    buffer.append(ChunkFraming.end)
    buffer.append(ChunkFraming.last)
    var decoder = ChunkedDecoder()
    #expect(decoder.decode(buffer.bytes) == .data(5..<305))
    let rest = UnsafeRawBufferPointer(rebasing: buffer.bytes[305...])
    #expect(decoder.decode(rest) == .finished(consumed: 7))
  }
}

@Suite struct HTTPDateTests {
  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
    (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
    (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
    (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
    (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
    (-1, "Thu, 01 Jan 1970 00:00:00 GMT"),
    (.max, "Fri, 31 Dec 9999 23:59:59 GMT"),
  ])
  func timesAreWrittenAsDates(_ seconds: Int, _ date: String) {
    var buffer = ByteBuffer()
    buffer.appendDate(seconds)
    #expect(text(buffer) == date)
  }
}
