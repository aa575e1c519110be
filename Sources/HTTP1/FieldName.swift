/// The field names that are told apart while a head is parsed, so that nobody has to compare them again: those that
/// the protocol itself needs, and those that nearly every request has, for callers that keep something ready for each
/// (an environment key, say).
public enum FieldName: UInt8, CaseIterable, Sendable {
  case other
  case accept, acceptCharset, acceptEncoding, acceptLanguage, authorization, cacheControl, connection, contentEncoding
  case contentLength, contentType, cookie, expect, forwarded, host, ifMatch, ifModifiedSince, ifNoneMatch, ifRange
  case keepAlive, origin, pragma, priority, proxy, range, referer, secFetchDest, secFetchMode, secFetchSite
  case secFetchUser, te, trailer, transferEncoding, upgrade, upgradeInsecureRequests, userAgent, via, xForwardedFor
  case xForwardedHost, xForwardedPort, xForwardedProto, xRealIP, xRequestID, xRequestedWith

  /// The name in lower case; empty for ``other``.
  public var spelling: StaticString {
    switch self {
    case .other: ""
    case .accept: "accept"
    case .acceptCharset: "accept-charset"
    case .acceptEncoding: "accept-encoding"
    case .acceptLanguage: "accept-language"
    case .authorization: "authorization"
    case .cacheControl: "cache-control"
    case .connection: "connection"
    case .contentEncoding: "content-encoding"
    case .contentLength: "content-length"
    case .contentType: "content-type"
    case .cookie: "cookie"
    case .expect: "expect"
    case .forwarded: "forwarded"
    case .host: "host"
    case .ifMatch: "if-match"
    case .ifModifiedSince: "if-modified-since"
    case .ifNoneMatch: "if-none-match"
    case .ifRange: "if-range"
    case .keepAlive: "keep-alive"
    case .origin: "origin"
    case .pragma: "pragma"
    case .priority: "priority"
    case .proxy: "proxy"
    case .range: "range"
    case .referer: "referer"
    case .secFetchDest: "sec-fetch-dest"
    case .secFetchMode: "sec-fetch-mode"
    case .secFetchSite: "sec-fetch-site"
    case .secFetchUser: "sec-fetch-user"
    case .te: "te"
    case .trailer: "trailer"
    case .transferEncoding: "transfer-encoding"
    case .upgrade: "upgrade"
    case .upgradeInsecureRequests: "upgrade-insecure-requests"
    case .userAgent: "user-agent"
    case .via: "via"
    case .xForwardedFor: "x-forwarded-for"
    case .xForwardedHost: "x-forwarded-host"
    case .xForwardedPort: "x-forwarded-port"
    case .xForwardedProto: "x-forwarded-proto"
    case .xRealIP: "x-real-ip"
    case .xRequestID: "x-request-id"
    case .xRequestedWith: "x-requested-with"
    }
  }

  /// The name that `name`, which consists of token characters, spells in any case.
  init(_ name: UnsafeRawBufferPointer) {
    // Length and one letter leave at most one candidate; comparing it settles the matter.
    let column =
      switch name.count {
      case 8: 3
      case 14: 10
      case 15: 7
      case 16: 12
      default: 0
      }
    let candidate: FieldName =
      switch (name.count, Unicode.Scalar(name[column] | 0x20)) {
      case (2, "t"): .te
      case (3, "v"): .via
      case (4, "h"): .host
      case (5, "p"): .proxy
      case (5, "r"): .range
      case (6, "a"): .accept
      case (6, "c"): .cookie
      case (6, "e"): .expect
      case (6, "o"): .origin
      case (6, "p"): .pragma
      case (7, "r"): .referer
      case (7, "t"): .trailer
      case (7, "u"): .upgrade
      case (8, "m"): .ifMatch
      case (8, "r"): .ifRange
      case (8, "o"): .priority
      case (9, "f"): .forwarded
      case (9, "x"): .xRealIP
      case (10, "c"): .connection
      case (10, "k"): .keepAlive
      case (10, "u"): .userAgent
      case (12, "c"): .contentType
      case (12, "x"): .xRequestID
      case (13, "a"): .authorization
      case (13, "c"): .cacheControl
      case (13, "i"): .ifNoneMatch
      case (14, "r"): .acceptCharset
      case (14, "n"): .contentLength
      case (14, "d"): .secFetchDest
      case (14, "m"): .secFetchMode
      case (14, "s"): .secFetchSite
      case (14, "u"): .secFetchUser
      case (15, "e"): .acceptEncoding
      case (15, "l"): .acceptLanguage
      case (15, "r"): .xForwardedFor
      case (16, "d"): .contentEncoding
      case (16, "h"): .xForwardedHost
      case (16, "p"): .xForwardedPort
      case (16, "w"): .xRequestedWith
      case (17, "i"): .ifModifiedSince
      case (17, "t"): .transferEncoding
      case (17, "x"): .xForwardedProto
      case (25, "u"): .upgradeInsecureRequests
      default: .other
      }
    self = name.spells(candidate.spelling) ? candidate : .other
  }
}
