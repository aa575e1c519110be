import NIOHPACK
import NIOHTTP1

/// The fields of the HTTP/2 response that stands for an HTTP/1.1 response.
enum ResponseTranslation {
  /// What belongs to the connection of HTTP/1.1.
  private static let ofConnection: Set<String> = [
    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "trailer",
  ]

  /// Translates a head. Fields that `Connection` names are left out, too.
  static func headers(of head: HTTPResponseHead) -> HPACKHeaders {
    var fields = HPACKHeaders([(":status", String(head.status.code))])
    let named = Set(head.headers[canonicalForm: "connection"].map { $0.lowercased() })
    for (name, value) in head.headers {
      let name = name.lowercased()
      if !ofConnection.contains(name), !named.contains(name) { fields.add(name: name, value: value) }
    }
    return fields
  }
}
