import ArgumentParser
import Glibc
import Supervision

/// Where the server listens, and how long connections may be idle.
struct ListenOptions: ParsableArguments {
  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("The address to listen on; 0.0.0.0 or :: for all.", valueName: "HOST"))
  var host = "127.0.0.1"

  @Option(
    name: [.customShort("p"), .long],
    help: ArgumentHelp("The port to listen on; 0 for any that is free.", valueName: "PORT"))
  var port: UInt16 = 5000

  @Option(
    name: [.customShort("l"), .long], parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Listen here instead: HOST:PORT, :PORT, [IPV6]:PORT or PORT (:ssl behind it: TLS), or a Unix socket's path. May be repeated.",
      valueName: "ADDRESS"))
  var listen: [String] = []

  @Option(
    name: [.customShort("S"), .long],
    help: ArgumentHelp("Listen on this Unix socket; the same as -l PATH.", valueName: "PATH"))
  var socket: String?

  @Option(
    name: .customLong("socket-mode"),
    help: ArgumentHelp("The permissions of Unix sockets; otherwise the umask decides.", valueName: "OCTAL"))
  var socketMode: String?

  @Option(help: ArgumentHelp("How many connections may wait to be accepted.", valueName: "N"))
  var backlog: Int32 = 1024

  @Flag(help: "Close every connection after its answer.")
  var disableKeepalive = false

  @Option(help: ArgumentHelp("How long a connection may stay open without a request.", valueName: "SECONDS"))
  var keepaliveTimeout = 60

  @Option(help: ArgumentHelp("How long the head of a request may take to arrive.", valueName: "SECONDS"))
  var readTimeout = 30

  func validate() throws {
    do {
      _ = try addresses()
    } catch {
      throw ValidationError(error.description.hasSuffix(".") ? String(error.description.dropLast()) : "\(error)")
    }
    if let socketMode, Self.mode(socketMode) == nil {
      throw ValidationError("--socket-mode takes an octal number such as 660, not '\(socketMode)'")
    }
    guard (1...65535).contains(backlog) else { throw ValidationError("--backlog takes 1 to 65535, not \(backlog)") }
    for (name, value) in [("--keepalive-timeout", keepaliveTimeout), ("--read-timeout", readTimeout)] {
      guard (1...86400).contains(value) else { throw ValidationError("\(name) takes 1 to 86400 seconds, not \(value)") }
    }
  }

  /// `660`, `0660`, `0o660` as permissions.
  private static func mode(_ text: String) -> UInt32? {
    let digits = text.hasPrefix("0o") ? text.dropFirst(2) : Substring(text)
    guard digits.allSatisfy({ ("0"..."7").contains($0) }), let mode = UInt32(digits, radix: 8), mode <= 0o777 else {
      return nil
    }
    return mode
  }

  /// An address to listen on, and whether clients speak TLS there.
  struct Door: Equatable {
    var address: ListenAddress
    var isSecure: Bool
  }

  /// Where to listen. With a certificate, TLS is spoken on the addresses that are marked for it (`:ssl`), or else on all
  /// ports: as with Starman.
  func doors(hasCertificate: Bool) throws(StartupError) -> [Door] {
    let addresses = try addresses()
    // `-l` comes first in there, in order.
    let marks = addresses.indices.map { $0 < listen.count && ListenAddress.isMarkedSecure(listen[$0]) }
    if let marked = marks.firstIndex(of: true), !hasCertificate {
      throw StartupError("-l \(listen[marked]): TLS needs a certificate: --tls-cert FILE.", isUsage: true)
    }
    return zip(addresses, marks).map { address, isMarked in
      if case .tcp = address, hasCertificate, !marks.contains(true) { return Door(address: address, isSecure: true) }
      return Door(address: address, isSecure: isMarked)
    }
  }

  /// `-l` and `-S`, or else `-o` and `-p`: as with Starman, which then does not look at `-o` and `-p`.
  func addresses() throws(StartupError) -> [ListenAddress] {
    var addresses: [ListenAddress] = []
    for text in listen { addresses.append(try ListenAddress(text)) }
    if let socket { addresses.append(try ListenAddress("unix:" + socket)) }
    if !addresses.isEmpty { return addresses }
    let name = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    return [.tcp(host: name, port: port)]
  }

  /// The settings of new sockets.
  func socketSettings(owner: Account?) -> ListeningSocket.Settings {
    var settings = ListeningSocket.Settings()
    settings.backlog = backlog
    settings.mode = socketMode.flatMap(Self.mode)
    settings.owner = owner
    return settings
  }

  /// Takes over what needs no look at the disk.
  func fill(_ settings: inout ServerSettings) {
    settings.connections.keepsAlive = !disableKeepalive
    settings.connections.idleTimeout = keepaliveTimeout
    settings.connections.headTimeout = readTimeout
  }
}
