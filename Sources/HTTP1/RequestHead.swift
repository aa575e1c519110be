/// A request head as it lies in the bytes it was parsed from: offsets and what follows from them, no copies.
///
/// One value serves any number of requests; its storage for fields is allocated once. After ``parse(_:)`` returned
/// `.complete`, all properties describe that head until the next call; after anything else they mean nothing.
///
///     var head = RequestHead()
///     if case .complete(let length) = head.parse(bytes) {
///       let path = head.path.slice(of: bytes)
///     }
public struct RequestHead: ~Copyable {
  /// What ``parse(_:)`` made of the bytes.
  public enum Parsed: Equatable, Sendable {
    /// The bytes begin with a whole head of that many bytes; the body or the next request follows.
    case complete(headLength: Int)
    /// The bytes are the beginning of a head.
    case incomplete
    /// The bytes are not a request that is served.
    case refused(Refusal)
  }

  /// One header field.
  public struct Field: Equatable, Sendable {
    /// Where its name stands, as the client wrote it.
    public let name: ByteRange
    /// Where its value stands, without the white space around it.
    public let value: ByteRange
    /// Which name it is, in any case.
    public let known: FieldName
  }

  /// The ways to name what is requested (RFC 9112, 3.2).
  public enum TargetForm: Sendable {
    /// `/path?query`
    case origin
    /// `http://host/path?query`
    case absolute
    /// `*`, with OPTIONS
    case asterisk
  }

  /// How the body that follows the head is delimited.
  public enum BodyFraming: Equatable, Sendable {
    /// There is no body.
    case none
    /// It has that many bytes, more than 0.
    case length(Int)
    /// It comes in chunks.
    case chunked
  }

  /// What is refused because of its size.
  public let limits: Limits

  /// The method.
  public internal(set) var method = ByteRange(0, 0)
  /// The request target as sent.
  public internal(set) var target = ByteRange(0, 0)
  /// The form of the target.
  public internal(set) var targetForm = TargetForm.origin
  /// The target's path, still percent-encoded. It begins with `/`, or is empty, which means `/` if the target is
  /// absolute (`http://host?x`) and the server as a whole if it is `*`.
  public internal(set) var path = ByteRange(0, 0)
  /// What follows the first `?` of the target; empty if there is none.
  public internal(set) var query = ByteRange(0, 0)
  /// Host and port that are asked for: those of an absolute target, otherwise the Host field's; nil without either
  /// (HTTP/1.0). An absolute target beats the Host field (RFC 9112, 3.2.2): an environment should show this one.
  public internal(set) var authority: ByteRange?
  /// Whether an absolute target begins with `https:`.
  public internal(set) var isSecureTarget = false
  /// The minor version of HTTP/1, 0 or 1. A higher one counts as 1 (RFC 9110, 2.5).
  public internal(set) var minorVersion = 1
  /// Whether the method is HEAD, so that the response has no body.
  public internal(set) var isHead = false

  /// The value of the Content-Length field; nil without one.
  public internal(set) var contentLength: Int?
  /// Whether the body comes in chunks.
  public internal(set) var isChunked = false
  /// Whether the client can keep the connection after this request: the default of HTTP/1.1, on demand in 1.0.
  public internal(set) var keepsAlive = true
  /// Whether the client waits for `100 Continue` before it sends the body. False without a body.
  public internal(set) var expectsContinue = false
  /// Whether a `Proxy` field came and was left out of ``fields``: as `HTTP_PROXY` it would redirect the requests that
  /// programs make themselves (httpoxy).
  public internal(set) var hasDroppedProxyField = false

  let storage: UnsafeMutablePointer<Field>
  var fieldCount = 0

  /// Makes storage for heads within `limits`.
  public init(limits: Limits = Limits()) {
    self.limits = limits
    storage = .allocate(capacity: max(1, limits.maximumFields))
  }

  deinit { storage.deallocate() }

  /// The header fields in the order they came, all of them but `Proxy`. The view is valid as long as the head, until
  /// the next ``parse(_:)``.
  ///
  /// No name contains `_`: such requests are refused, because `X_Y` and `X-Y` would be one key of a CGI environment.
  public var fields: UnsafeBufferPointer<Field> { UnsafeBufferPointer(start: storage, count: fieldCount) }

  /// How the body that follows is delimited.
  public var bodyFraming: BodyFraming {
    if isChunked { return .chunked }
    guard let contentLength, contentLength > 0 else { return .none }
    return .length(contentLength)
  }

  /// The value of the first field of that name.
  public func value(of known: FieldName) -> ByteRange? {
    for field in fields where field.known == known { return field.value }
    return nil
  }
}
