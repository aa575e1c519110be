import NIOHPACK
import NIOHTTP1

/// Why the fields of an HTTP/2 request cannot be a request of HTTP/1.1.
enum MalformedRequest: Error, Equatable {
  /// A pseudo field is missing, comes twice, or says what it must not.
  case pseudoField(String)
  /// A name or a value that would be read as something else in HTTP/1.1, or that belongs to one connection.
  case field(String)
  /// `Host` and `:authority` disagree.
  case host
  /// The length is no number, comes twice, or is not that of the body.
  case contentLength
}

/// The head of the HTTP/1.1 request that stands for an HTTP/2 request.
///
/// Whatever could be taken for more than one thing on its way is refused here, although NIO looks at most of it, too, and
/// the parser of the switchboard looks again: nothing of what a client sends may end up as a line of its own.
struct RequestTranslation {
  private var method: String?
  private var path: String?
  private var scheme: String?
  private var authority: String?
  private var host: String?
  private var contentLength: String?
  private var cookies: [String] = []
  private var fields: [(String, String)] = []
  private var hasRegularField = false

  /// Translates a request; `isWhole` if it has no body.
  static func head(of headers: HPACKHeaders, isWhole: Bool) throws(MalformedRequest) -> HTTPRequestHead {
    var translation = RequestTranslation()
    for (name, value, _) in headers { try translation.add(name, value) }
    return try translation.head(isWhole: isWhole)
  }

  private mutating func add(_ name: String, _ value: String) throws(MalformedRequest) {
    guard Self.isClean(value) else { throw .field(name) }
    if name.utf8.first == UInt8(ascii: ":") { return try addPseudo(name, value) }
    hasRegularField = true
    guard Self.isName(name) else { throw .field(name) }
    switch name {
    case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings":
      throw .field(name)
    case "te":
      // It is about this connection only; trailers are not passed on.
      guard value.lowercased() == "trailers" else { throw .field(name) }
    case "host":
      guard host == nil, Self.isAuthority(value) else { throw .host }
      host = value
    case "content-length":
      guard contentLength == nil, Self.isLength(value) else { throw .contentLength }
      contentLength = value
    case "cookie": cookies.append(value)
    default: fields.append((name, value))
    }
  }

  private mutating func addPseudo(_ name: String, _ value: String) throws(MalformedRequest) {
    guard !hasRegularField else { throw .pseudoField(name) }
    switch name {
    case ":method" where method == nil && Self.isToken(value): method = value
    case ":path" where path == nil && Self.isTarget(value): path = value
    case ":scheme" where scheme == nil && ["http", "https"].contains(value.lowercased()): scheme = value
    case ":authority" where authority == nil && Self.isAuthority(value): authority = value
    default: throw .pseudoField(name)
    }
  }

  private func head(isWhole: Bool) throws(MalformedRequest) -> HTTPRequestHead {
    guard let method, method != "CONNECT" else { throw .pseudoField(":method") }
    guard let path, path != "*" || method == "OPTIONS" else { throw .pseudoField(":path") }
    guard scheme != nil else { throw .pseudoField(":scheme") }
    if let authority, let host, authority.lowercased() != host.lowercased() { throw .host }
    guard let name = authority ?? host else { throw .host }
    var headers = HTTPHeaders([("Host", name)])
    for (name, value) in fields { headers.add(name: name, value: value) }
    if !cookies.isEmpty { headers.add(name: "cookie", value: cookies.joined(separator: "; ")) }
    if let contentLength {
      guard !isWhole || contentLength.allSatisfy({ $0 == "0" }) else { throw .contentLength }
      headers.add(name: "content-length", value: contentLength)
    } else if !isWhole {
      headers.add(name: "transfer-encoding", value: "chunked")
    } else if ["POST", "PUT", "PATCH"].contains(method) {
      headers.add(name: "content-length", value: "0")
    }
    return HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: path, headers: headers)
  }

  // MARK: Characters

  /// No control characters but tabs, and no white space at either end, where HTTP/1.1 would take it away.
  private static func isClean(_ value: String) -> Bool {
    let bytes = value.utf8
    guard let first = bytes.first, let last = bytes.last else { return true }
    let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
    return !isBlank(first) && !isBlank(last) && bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
  }

  /// A token in lower case.
  private static func isName(_ name: String) -> Bool {
    isToken(name) && name.utf8.allSatisfy { !(0x41...0x5A).contains($0) }
  }

  private static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }

  private static func isTarget(_ path: String) -> Bool {
    guard path == "*" || path.utf8.first == UInt8(ascii: "/") else { return false }
    return path.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "#") }
  }

  private static func isAuthority(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"@/?#\\,".utf8.contains($0) }
  }

  private static func isLength(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.count <= 18 && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }
}
