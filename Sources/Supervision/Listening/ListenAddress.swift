/// Where to listen, as `-l` takes it.
public enum ListenAddress: Equatable, Sendable {
  /// A host (a name or an address, IPv6 without brackets) and a port; 0 for any that is free. No host stands for all
  /// addresses of the machine.
  case tcp(host: String?, port: UInt16)
  /// A Unix socket's path.
  case unix(path: String)

  /// The longest path that the system takes for a socket, in bytes.
  static let longestPath = 107

  /// Whether `:ssl` is said behind an address, as with Starman: clients speak TLS there.
  public static func isMarkedSecure(_ text: String) -> Bool {
    !text.hasPrefix("unix:") && text.lowercased().hasSuffix(":ssl")
  }

  /// Reads `HOST:PORT`, `:PORT`, `[IPV6]:PORT`, `PORT`, each perhaps with `:ssl` behind it, or a path; a path that looks
  /// like one of the others can be written with `unix:` in front of it.
  public init(_ text: String) throws(StartupError) {
    if text.hasPrefix("unix:") {
      self = try Self.path(String(text.dropFirst(5)), of: text)
    } else if Self.isMarkedSecure(text) {
      self = try ListenAddress(String(text.dropLast(4)))
      guard case .tcp = self else {
        throw StartupError(
          "-l \(text): TLS is for ports; what reaches a Unix socket is on this machine.", isUsage: true
        )
      }
    } else if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
      self = .tcp(host: nil, port: try Self.port(text, of: text))
    } else if let colon = text.lastIndex(of: ":"), !text.contains("/") {
      let host = try Self.host(String(text[..<colon]), of: text)
      self = .tcp(host: host, port: try Self.port(String(text[text.index(after: colon)...]), of: text))
    } else {
      self = try Self.path(text, of: text)
    }
  }

  private static func path(_ path: String, of text: String) throws(StartupError) -> ListenAddress {
    guard !path.isEmpty else {
      throw StartupError("-l takes HOST:PORT, :PORT, PORT or the path of a Unix socket, not '\(text)'.", isUsage: true)
    }
    let file = absolute(path)
    guard file.utf8.count <= longestPath else {
      throw StartupError(
        "the path of a Unix socket may have \(longestPath) bytes, \(file) has \(file.utf8.count).", isUsage: true)
    }
    return .unix(path: file)
  }

  private static func host(_ text: String, of address: String) throws(StartupError) -> String? {
    if text.isEmpty || text == "*" { return nil }
    if text.hasPrefix("["), text.hasSuffix("]"), text.count > 2 { return String(text.dropFirst().dropLast()) }
    guard !text.contains(where: { ":[]".contains($0) }) else {
      throw StartupError(
        "-l \(address): write an IPv6 address in brackets, as in -l [::1]:5000.", isUsage: true)
    }
    return text
  }

  private static func port(_ text: String, of address: String) throws(StartupError) -> UInt16 {
    if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text) { return port }
    throw StartupError(
      "-l \(address): '\(text)' is no port; a port is a number up to 65535, and a path with a colon begins with unix:.",
      isUsage: true)
  }
}

extension ListenAddress: CustomStringConvertible {
  /// `http://127.0.0.1:5000/`, `http://0.0.0.0:5000/`, `unix:/run/app.sock`.
  public var description: String {
    switch self {
    case .tcp(let host, let port):
      let host = host ?? "0.0.0.0"
      return "http://\(host.contains(":") ? "[\(host)]" : host):\(port)/"
    case .unix(let path): return "unix:\(path)"
    }
  }
}
