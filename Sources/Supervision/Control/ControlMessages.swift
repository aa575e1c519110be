import FoundationEssentials
import HTTP1

/// A request to the control API.
struct ControlRequest {
  var method: String
  /// `/v1/status`
  var path: String
  /// The decoded parameters of the query, the last of each name.
  var parameters: [String: String]
  var body: [UInt8]
}

/// A whole answer: a status and a JSON document.
struct ControlAnswer {
  var status: Int
  var body: [UInt8]
  /// The value of an Allow field.
  var allow: String?
  var contentType: StaticString = "application/json"

  /// An answer that carries a document.
  init(_ status: Int = 200, _ document: some Encodable) {
    self.status = status
    body = ControlJSON.lines(document)
  }

  /// An answer for Prometheus.
  init(text: String) {
    status = 200
    body = Array(text.utf8)
    contentType = "text/plain; version=0.0.4; charset=utf-8"
  }

  /// The refusal of a request: one sentence.
  static func problem(_ status: Int, _ sentence: String, allow: String? = nil) -> ControlAnswer {
    var answer = ControlAnswer(status, ControlDocument.Problem(error: sentence))
    answer.allow = allow
    return answer
  }

  /// As bytes.
  func encoded(keepsAlive: Bool, now: Int) -> [UInt8] {
    var buffer = ByteBuffer(capacity: body.count + 256)
    var head = ResponseHead()
    // The statuses are our own.
    try! head.begin(status: status, in: &buffer)
    buffer.append("Content-Type: ")
    buffer.append(contentType)
    buffer.append("\r\nCache-Control: no-store\r\n")
    if let allow {
      buffer.append("Allow: ")
      Array(allow.utf8).withUnsafeBytes { buffer.append($0) }
      buffer.append("\r\n")
    }
    let framing = try! ResponseFraming.decide(
      requestMinorVersion: 1, isHead: false, status: status, application: head.fields, knownBodyLength: body.count,
      keepsAlive: keepsAlive)
    head.end(framing, now: now, in: &buffer)
    body.withUnsafeBytes { buffer.append($0) }
    return Array(buffer.bytes)
  }
}

/// How documents are written.
enum ControlJSON {
  /// Over several lines, as people read it with curl.
  static func lines(_ document: some Encodable) -> [UInt8] {
    closed(encode(document, [.prettyPrinted])) + [0x0A]
  }

  /// `[]` where the encoder writes empty lists over three lines. No text holds a line end as such.
  private static func closed(_ json: [UInt8]) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(json.count)
    var rest = json[...]
    while let byte = rest.popFirst() {
      result.append(byte)
      guard byte == UInt8(ascii: "["), rest.starts(with: [0x0A, 0x0A]) else { continue }
      rest = rest.drop { $0 == 0x0A || $0 == 0x20 }
    }
    return result
  }

  /// In one line.
  static func line(_ document: some Encodable) -> [UInt8] { encode(document, []) }

  private static func encode(_ document: some Encodable, _ formatting: JSONEncoder.OutputFormatting) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = formatting.union([.sortedKeys, .withoutEscapingSlashes])
    // Documents hold texts, numbers and lists of those: there is nothing that could not be encoded.
    return Array(try! encoder.encode(document))
  }

  /// A server-sent event.
  static func event(_ document: ControlDocument.Event) -> [UInt8] {
    Array("event: \(document.event)\ndata: ".utf8) + line(document) + Array("\n\n".utf8)
  }

  /// `2026-11-21T14:12:03.120Z`
  static func time(_ seconds: Double) -> String {
    Date(timeIntervalSince1970: seconds).formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
  }
}
