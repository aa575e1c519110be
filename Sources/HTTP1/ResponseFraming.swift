/// What is wrong with a response that an application gave.
public enum ResponseFault: Error, Equatable, Sendable, CustomStringConvertible {
  /// The status is not a number of three digits.
  case badStatus(Int)
  /// A field's name is empty or contains something else than token characters.
  case badFieldName
  /// A field's value contains CR, LF, NUL or another control character.
  case badFieldValue
  /// The Content-Length is not a number of bytes.
  case badContentLength
  /// There are two Content-Length fields that differ.
  case differentContentLengths
  /// The body is known, and has another length than the Content-Length field says.
  case lengthMismatch(declared: Int, actual: Int)

  /// One sentence without a line end.
  public var description: String {
    switch self {
    case .badStatus(let status): "the response's status is \(status), not a number from 100 to 999"
    case .badFieldName: "a response header's name is not a valid field name"
    case .badFieldValue: "a response header's value contains a line end or another control character"
    case .badContentLength: "the response's Content-Length is not a number of bytes"
    case .differentContentLengths: "the response has two Content-Length headers that differ"
    case .lengthMismatch(let declared, let actual):
      "the response's Content-Length is \(declared), but its body has \(actual) bytes"
    }
  }
}

/// What an application's header fields say about the framing of its response.
public struct ApplicationFields: Equatable, Sendable {
  /// The Content-Length, if it gave one.
  public var contentLength: Int?
  /// Whether it said `Transfer-Encoding: chunked`: then its body is chunked already (as by Plack's middleware Chunked).
  public var isChunked = false
  /// Whether it said `Connection: close`.
  public var closes = false
  /// Whether it gave a Date.
  public var hasDate = false
  /// Whether it gave an X-Request-Id.
  public var hasRequestID = false

  /// No fields.
  public init() {}
}

/// How a response's body is delimited and what becomes of the connection after it.
public struct ResponseFraming: Equatable, Sendable {
  /// How the body is written.
  public enum Body: Equatable, Sendable {
    /// Not at all, whatever the application gave.
    case none
    /// As it is; it has that many bytes. If it turns out shorter, the connection must be closed; what is longer is cut.
    case length(Int)
    /// Each piece as a chunk, and the last chunk at the end.
    case chunked
    /// As it is, for the application chunked it.
    case chunkedByApplication
    /// As it is, and its end is the end of the connection.
    case untilClose
  }

  /// How the body is written.
  public var body: Body
  /// The value of the Content-Length field, if there is to be one.
  public var contentLength: Int?
  /// Whether the connection is kept after this response.
  public var keepsAlive: Bool
  /// Whether the client must be told that it is kept: it speaks HTTP/1.0.
  public var saysKeepAlive: Bool

  /// Decides for a response.
  ///
  /// - Parameters:
  ///   - requestMinorVersion: The minor version of HTTP/1 that the client speaks.
  ///   - isHead: Whether the request's method was HEAD.
  ///   - status: The response's status.
  ///   - application: What the application's fields say.
  ///   - knownBodyLength: The body's length in bytes if it is there as a whole.
  ///   - keepsAlive: Whether client and server are willing to keep the connection.
  /// - Throws: ``ResponseFault/lengthMismatch(declared:actual:)``.
  public static func decide(
    requestMinorVersion: Int, isHead: Bool, status: Int, application: ApplicationFields, knownBodyLength: Int?,
    keepsAlive: Bool
  ) throws(ResponseFault) -> ResponseFraming {
    let keeps = keepsAlive && !application.closes
    var framing = ResponseFraming(
      body: .none, contentLength: nil, keepsAlive: keeps, saysKeepAlive: keeps && requestMinorVersion == 0)
    switch status {
    case 100..<200, 204: return framing
    case 205:
      framing.contentLength = 0
      return framing
    case 304:
      // It may tell the length that the representation would have (RFC 9110, 8.6), but not that of the body given.
      framing.contentLength = application.contentLength
      return framing
    default: break
    }
    if isHead {
      // An empty body says nothing about the length that GET would give.
      framing.contentLength = application.contentLength ?? knownBodyLength.flatMap { $0 > 0 ? $0 : nil }
    } else if application.isChunked, requestMinorVersion > 0 {
      framing.body = .chunkedByApplication
    } else if let length = application.contentLength ?? knownBodyLength, !application.isChunked {
      if let actual = knownBodyLength, actual != length { throw .lengthMismatch(declared: length, actual: actual) }
      framing.body = .length(length)
      framing.contentLength = length
    } else if requestMinorVersion > 0 {
      framing.body = .chunked
    } else {
      framing.body = .untilClose
      framing.keepsAlive = false
      framing.saysKeepAlive = false
    }
    return framing
  }
}
