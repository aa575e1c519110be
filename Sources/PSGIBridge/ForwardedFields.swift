import HTTP1
import ProcessProtocol

/// What trusted proxies say about a request: `X-Forwarded-For`, `-Proto`, `-Host` and `-Port`.
struct ForwardedFields: Equatable {
  /// The client's address, without its port; nil if nobody has told it.
  var address: String?
  /// The client's port, where it was told.
  var port: String?
  /// Whether the client came by https.
  var isSecure: Bool?
  /// The host that the client asked for.
  var host: String?
  /// The port that the client asked for.
  var serverPort: String?

  /// Reads the fields of a head.
  init(_ head: borrowing RequestHead, _ bytes: UnsafeRawBufferPointer, _ trusted: TrustedProxies) {
    var hops: [Substring] = []
    for field in head.fields {
      switch field.known {
      case .xForwardedFor: hops += Self.items(field, bytes)
      case .xForwardedProto: isSecure = Self.items(field, bytes).last.map { $0.lowercased() == "https" } ?? isSecure
      case .xForwardedHost: host = Self.items(field, bytes).last.map(String.init) ?? host
      case .xForwardedPort: serverPort = Self.items(field, bytes).last.flatMap { UInt16($0) }.map { "\($0)" }
      default: break
      }
    }
    findClient(hops, trusted)
    if serverPort == nil { serverPort = host.flatMap(Self.port(of:)) ?? isSecure.map { $0 ? "443" : "80" } }
  }

  /// Each proxy adds whom it was asked by, so the client is the last one that is no proxy of ours. What stands before
  /// that, anybody may have written.
  private mutating func findClient(_ hops: [Substring], _ trusted: TrustedProxies) {
    for hop in hops.reversed() {
      let (text, port) = Self.parts(of: hop)
      guard let parsed = NetworkAddress(text) else { return }
      (address, self.port) = (text, port.flatMap { UInt16($0) }.map { "\($0)" })
      if !trusted.contains(parsed) { return }
    }
  }

  private static func items(_ field: RequestHead.Field, _ bytes: UnsafeRawBufferPointer) -> [Substring] {
    String(decoding: field.value.slice(of: bytes), as: UTF8.self).split(separator: ",")
      .map { $0.drop { $0 == " " || $0 == "\t" } }
      .map { item in
        var item = item
        while item.last == " " || item.last == "\t" { item.removeLast() }
        return item
      }
      .filter { !$0.isEmpty }
  }

  /// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
  private static func parts(of hop: Substring) -> (address: String, port: String?) {
    if hop.hasPrefix("["), let end = hop.firstIndex(of: "]") {
      let rest = hop[hop.index(after: end)...]
      return (String(hop[hop.index(after: hop.startIndex)..<end]), rest.hasPrefix(":") ? String(rest.dropFirst()) : nil)
    }
    let parts = hop.split(separator: ":", omittingEmptySubsequences: false)
    return parts.count == 2 ? (String(parts[0]), String(parts[1])) : (String(hop), nil)
  }

  private static func port(of host: String) -> String? {
    guard let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") else { return nil }
    let digits = host[host.index(after: colon)...]
    return UInt16(digits).map { "\($0)" }
  }
}
