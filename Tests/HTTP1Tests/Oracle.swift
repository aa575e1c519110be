import HTTP1
import NIOCore
import NIOEmbedded
import NIOHTTP1

/// What a server makes of the bytes that a client sent: the first request, body included.
struct Reading: Equatable {
  var method = ""
  var target = ""
  var minorVersion = 1
  /// `name: value`, in order.
  var fields: [String] = []
  var keepsAlive = true
  var body: [UInt8] = []
  /// Whether the body's end was seen.
  var isWhole = false
}

/// How NIOHTTP1, which is llhttp, reads the bytes; nil if it refuses them.
func readingByNIO(_ bytes: [UInt8]) -> Reading? {
  let channel = EmbeddedChannel(
    handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
  defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
  let failed: Bool
  do {
    try channel.writeInbound(NIOCore.ByteBuffer(bytes: bytes))
    failed = false
  } catch {
    failed = true
  }
  var reading: Reading?
  while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
    switch part {
    case .head(let head):
      reading = Reading(
        method: head.method.rawValue, target: head.uri, minorVersion: head.version.minor,
        fields: head.headers.map { "\($0.name): \(withoutBlanksBehind($0.value))" }, keepsAlive: head.isKeepAlive)
    case .body(let bytes):
      reading?.body += Array(bytes.readableBytesView)
    case .end:
      reading?.isWhole = true
      // What comes behind the first request does not matter here.
      return reading
    }
  }
  return failed ? nil : reading
}

/// NIO leaves the white space behind a value where RFC 9112 (5) leaves it out.
private func withoutBlanksBehind(_ value: String) -> Substring {
  var rest = value[...]
  while rest.utf8.last == 0x20 || rest.utf8.last == 0x09 { rest = rest.dropLast() }
  return rest
}

/// How this room reads the bytes; nil if it refuses them or the head is not complete.
func readingByNacre(_ bytes: [UInt8]) -> Reading? {
  guard let seen = parse(bytes).seen else { return nil }
  var reading = Reading(
    method: seen.method, target: seen.target, minorVersion: seen.minorVersion, fields: seen.fields,
    keepsAlive: seen.keepsAlive)
  let rest = bytes[seen.headLength...]
  switch seen.body {
  case .none: reading.isWhole = true
  case .length(let length):
    reading.body = Array(rest.prefix(length))
    reading.isWhole = rest.count >= length
  case .chunked:
    var decoder = ChunkedDecoder()
    let isBody = Array(rest).withUnsafeBytes { rest in
      var rest = rest
      while true {
        switch decoder.decode(rest) {
        case .data(let range):
          reading.body += rest[range]
          rest = UnsafeRawBufferPointer(rebasing: rest[range.upperBound...])
        case .needsMore, .finished: return true
        case .refused: return false
        }
      }
    }
    guard isBody else { return nil }
    reading.isWhole = decoder.isFinished
  }
  return reading
}

/// A valid request, and what generates it.
struct RequestGenerator {
  var dice: Dice

  init(seed: UInt64) { dice = Dice(state: seed) }

  /// A request with its body, which both readers must read alike.
  mutating func validRequest() -> [UInt8] {
    let isOld = dice.roll(6) == 0
    let method = dice.pick(["GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "PROPFIND", "OPTIONS", "REPORT"])
    var lines = [
      "\(method) \(target()) HTTP/1.\(isOld ? 0 : 1)", "\(cased("host")):\(blanks())h.example:80\(blanks())",
    ]
    for _ in 0..<dice.roll(8) { lines.append("\(name()):\(blanks())\(value())\(blanks())") }
    if dice.roll(3) == 0 {
      let options = dice.pick(["close", "keep-alive", "Keep-Alive", "CLOSE", "x", "x, close", "keep-alive , x"])
      lines.append("\(cased("connection")):\(blanks())\(options)")
    }
    var body = String(repeating: "b", count: dice.roll(40))
    switch dice.roll(4) {
    case 0: lines.append("\(cased("content-length")):\(blanks())\(body.utf8.count)\(dice.pick(["", " "]))")
    case 1 where !isOld:
      lines.append("\(cased("transfer-encoding")):\(blanks())\(dice.pick(["chunked", "Chunked"]))")
      body = chunks(of: body)
    default: body = ""
    }
    lines[1...].shuffle(using: &dice)
    return Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
  }

  /// A request with some bytes changed.
  mutating func mutatedRequest() -> [UInt8] {
    var bytes = validRequest()
    let interesting = Array("\r\n \t:;,_/?#*%0159aAfFxX\"\\()[]@HTP.-+\u{0}\u{1}\u{B}\u{7F}é".utf8)
    for _ in 0...dice.roll(3) where !bytes.isEmpty {
      let at = dice.roll(bytes.count)
      switch dice.roll(5) {
      case 0: bytes[at] = dice.pick(interesting)
      case 1: bytes[at] = UInt8(dice.roll(256))
      case 2: bytes.insert(dice.pick(interesting), at: at)
      case 3: bytes.remove(at: at)
      default:
        let line = dice.pick([
          "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: gzip\r\n", " folded\r\n",
          "Host: other\r\n", "Content-Length: 3, 3\r\n", "Transfer-Encoding: gzip, chunked\r\n", "\r\n", "\n",
          "Content-Length : 3\r\n", "Connection: close, keep-alive\r\n",
        ])
        // Mostly where a line begins.
        let start = bytes[at...].firstIndex(of: 10).map { $0 + 1 } ?? at
        bytes.insert(contentsOf: Array(line.utf8), at: start)
      }
    }
    return bytes
  }

  private mutating func target() -> String {
    let path = "/" + text(of: "abz09/.-~%!$&'()*,;=:@|{}[]^\"<>\\`+", upTo: 20)
    let query = dice.roll(2) == 0 ? "" : "?" + text(of: "az09=&?/%+", upTo: 15)
    return dice.pick(["", "", "", "http://x", "HTTPS://x.y:8080"]) + path + query
  }

  private mutating func name() -> String {
    dice.pick(["Accept", "Cookie", "x", "X-" + text(of: "aZ0!#$%&'*+-.^`|~", upTo: 10), "User-Agent", "Accept"])
  }

  private mutating func value() -> String {
    let text = text(of: "abc XYZ019 ,;=\"'()/:.\t@?%é_{}", upTo: 30)
    return String(text.drop { " \t".contains($0) }.reversed().drop { " \t".contains($0) }.reversed())
  }

  private mutating func chunks(of body: String) -> String {
    var rest = body[...]
    var encoded = ""
    while !rest.isEmpty {
      let chunk = rest.prefix(1 + dice.roll(20))
      encoded += "\(String(chunk.utf8.count, radix: 16))\(dice.pick(["", ";a", ";a=b", ";a=\"b c\""]))\r\n\(chunk)\r\n"
      rest = rest.dropFirst(chunk.count)
    }
    return encoded + dice.pick(["0\r\n\r\n", "0\r\nA: b\r\n\r\n"])
  }

  private mutating func cased(_ name: String) -> String {
    dice.pick([name, name.uppercased(), name.prefix(1).uppercased() + name.dropFirst()])
  }

  private mutating func blanks() -> String { dice.pick(["", " ", " ", "\t", "  \t"]) }

  private mutating func text(of alphabet: String, upTo count: Int) -> String {
    let alphabet = Array(alphabet)
    return String((0..<dice.roll(count + 1)).map { _ in dice.pick(alphabet) })
  }
}
