import ArgumentParser
import ProcessProtocol
import Supervision

/// Whose word about clients is taken.
struct ProxyOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Believe what this proxy says of its clients (X-Forwarded-For, -Proto, -Host, -Port, X-Request-Id): an address, a range such as 10.0.0.0/8, or unix: for all of Unix sockets. May be repeated.",
      valueName: "CIDR"))
  var trustedProxy: [String] = []

  @Flag(
    help: ArgumentHelp(
      "Connections of trusted proxies begin with the PROXY protocol, version 1 or 2, which says whose they are."))
  var proxyProtocol = false

  func validate() throws {
    if proxyProtocol, trustedProxy.isEmpty {
      throw ValidationError("--proxy-protocol needs --trusted-proxy, which says whose connections begin with it")
    }
    if let word = trustedProxy.first(where: { TrustedProxies([$0]) == nil }) {
      throw ValidationError("--trusted-proxy takes an address, a range such as 10.0.0.0/8, or unix:, not '\(word)'")
    }
  }

  /// Takes over what needs no look at the disk.
  func fill(_ settings: inout ServerSettings) {
    settings.trustedProxies = TrustedProxies(trustedProxy) ?? .none
    settings.takesProxyProtocol = proxyProtocol
  }
}
