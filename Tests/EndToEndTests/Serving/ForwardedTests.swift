import Testing

/// What proxies say about clients, and who is believed.
@Suite(.lane) struct ForwardedTests {
  private static let app = Site.app(
    "join ' ', map { $_ // '-' } @$env{qw(REMOTE_ADDR REMOTE_PORT psgi.url_scheme HTTPS SERVER_PORT HTTP_HOST)}")

  private static let fields = [
    "X-Forwarded-For: 203.0.113.9:4711", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example",
  ]

  private func serve(_ arguments: [String], listen: [String] = [], _ body: (Server) throws -> Void) throws {
    var options = ServerOptions(environment: "production")
    options.arguments = arguments
    options.listen = listen
    try Site(["app.psgi": Self.app]).serve(options, body)
  }

  @Test func trustedProxySpeaksForItsClient() throws {
    try serve(["--trusted-proxy", "127.0.0.0/8"]) { server throws in
      let answer = try server.ask("GET", "/", headers: Self.fields)
      #expect(answer.text == "203.0.113.9 4711 https on 443 shop.example", "\(answer.text)")
      // Each request of a connection by itself.
      let connection = try server.connect()
      try connection.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 2001:db8::1\r\nX-Forwarded-Port: 8443\r\n\r\n")
      try connection.send("GET / HTTP/1.1\r\nHost: b:81\r\n\r\n")
      #expect(try connection.response().text == "2001:db8::1 0 http - 8443 a")
      #expect(try connection.response().text == "127.0.0.1 \(connection.localPort) http - \(server.port) b:81")
    }
  }

  @Test func clientIsTheLastOneThatIsNoTrustedProxy() throws {
    try serve(["--trusted-proxy", "127.0.0.1", "--trusted-proxy", "10.0.0.0/8"]) { server throws in
      func address(_ fields: String...) throws -> String {
        let answer = try server.ask("GET", "/", headers: fields.map { "X-Forwarded-For: \($0)" })
        return String(answer.text.prefix { $0 != " " })
      }
      #expect(try address("6.6.6.6, 203.0.113.9, 10.1.1.1") == "203.0.113.9")
      #expect(try address("6.6.6.6", "203.0.113.9", "10.1.1.1, 10.2.2.2") == "203.0.113.9")
      #expect(try address("10.3.3.3, 10.1.1.1") == "10.3.3.3")
      #expect(try address("6.6.6.6, nonsense, 10.1.1.1") == "10.1.1.1")
      #expect(try address("unknown") == "127.0.0.1")
      #expect(try address("[2001:db8::7]:99") == "2001:db8::7")
      #expect(
        try server.ask("GET", "/", headers: ["X-Forwarded-For: 203.0.113.9:evil"]).text.hasPrefix("203.0.113.9 0 "),
        "a port is a number")
    }
  }

  @Test(arguments: [[], ["--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "unix:"]])
  func nobodyElseIsBelieved(arguments: [String]) throws {
    try serve(arguments) { server throws in
      let connection = try server.connect()
      let answer = try connection.exchange("GET", "/", headers: Self.fields)
      #expect(answer.text == "127.0.0.1 \(connection.localPort) http - \(server.port) nacre.test", "\(answer.text)")
    }
  }

  @Test func unixSocketsAreTrustedByName() throws {
    try serve(["--trusted-proxy", "unix:"], listen: ["app.sock"]) { server throws in
      let answer = try Connection(path: server.site.absolute("app.sock")).exchange("GET", "/", headers: Self.fields)
      #expect(answer.text == "203.0.113.9 4711 https on 443 shop.example", "\(answer.text)")
    }
  }

  @Test(arguments: [Way.tls, .http2, .http2InTheClear]) func proxyIsKnownByItsOwnAddressUnderTLSAndHTTP2(_ way: Way)
    throws
  {
    for (trusted, expected) in [
      ("127.0.0.1", "203.0.113.9 4711 https on 443 shop.example"), ("10.0.0.1", "127.0.0.1 "),
    ] {
      let site = try Site(["app.psgi": Self.app])
      if way.isSecure { try site.makeCertificate() }
      var options = way.options(environment: "production")
      options.arguments += ["--trusted-proxy", trusted]
      try site.serve(options) { server throws in
        let answer = try server.curl(way, "/", Self.fields.flatMap { ["-H", $0] })
        #expect(answer.output.hasPrefix(expected), "\(answer)\(server)")
      }
    }
  }

  @Test func trustIsTheNewServersAfterARestart() throws {
    let site = try Site(["app.psgi": Self.app, "nacre.toml": "trusted-proxy = [\"10.0.0.1\"]\n"])
    try site.serve(.production) { server throws in
      let connection = try server.connect()
      #expect(try connection.exchange(headers: Self.fields).text.hasPrefix("127.0.0.1 "))
      try site.write("nacre.toml", "trusted-proxy = [\"127.0.0.1\"]\n")
      try server.restart()
      #expect(try connection.exchange(headers: Self.fields).text.hasPrefix("203.0.113.9 "), "\(server)")
    }
  }

  @Test func idOfATrustedProxyIsKept() throws {
    try serve(["--trusted-proxy", "127.0.0.1", "--request-ids"]) { server throws in
      #expect(try server.ask("GET", "/", headers: ["X-Request-Id: from-nginx"])["X-Request-Id"] == "from-nginx")
      let made = try server.ask("GET", "/", headers: ["X-Request-Id: two words"])["X-Request-Id"]
      #expect(made?.wholeMatch(of: /[0-9a-f]{32}/) != nil, "\(made ?? "")")
    }
  }

  // MARK: The PROXY protocol

  private static let introduced = ["--trusted-proxy", "127.0.0.1", "--trusted-proxy", "unix:", "--proxy-protocol"]

  /// Of version 2: a client 2001:db8::9, port 4711, that has come to port 443 by TLS.
  private static let introducedByTLS: [UInt8] =
    [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x21, 0x21, 0, 44]
    + [0x20, 1, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [9] + [UInt8](repeating: 0, count: 16)
    + [0x12, 0x67, 0x01, 0xBB, 0x20, 0, 5, 1, 0, 0, 0, 0]

  @Test(arguments: [false, true]) func proxySaysFirstWhoseConnectionItIs(unixSocket: Bool) throws {
    try serve(Self.introduced, listen: unixSocket ? ["app.sock"] : []) { server throws in
      func connect() throws -> Connection {
        try unixSocket ? Connection(path: server.site.absolute("app.sock")) : server.connect()
      }
      let connection = try connect()
      // In pieces, and with a request behind it.
      try connection.send("PROXY TCP4 203.0.113.9 ")
      #expect(!connection.hasSomething(within: 100))
      try connection.send("10.0.0.1 4711 8080\r\nGET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
      #expect(try connection.response().text == "203.0.113.9 4711 http - 8080 a", "a client is no proxy\n\(server)")
      #expect(try connection.exchange().text == "203.0.113.9 4711 http - 8080 nacre.test")

      let secure = try connect()
      try secure.send(Self.introducedByTLS)
      #expect(try secure.exchange().text == "2001:db8::9 4711 https on 443 nacre.test", "\(server)")

      // For itself, and for whom it cannot name.
      for header in ["PROXY UNKNOWN\r\n", "\r\n\r\n\0\r\nQUIT\n\u{20}\0\0\0"] {
        let own = try connect()
        try own.send(header)
        #expect(
          try own.exchange().text.hasPrefix(unixSocket ? "- 0 http" : "127.0.0.1 \(own.localPort) http"), "\(server)")
      }
    }
  }

  @Test func connectionOfAProxyThatSaysNothingIsClosed() throws {
    try serve(Self.introduced + ["--read-timeout", "1"]) { server throws in
      let connection = try server.connect()
      try connection.request()
      #expect(try connection.isClosed(), "\(server)")
      #expect(server.logs("does not begin with the PROXY protocol"), "\(server)")
      let silent = try server.connect()
      try silent.send("PROXY TCP4 ")
      #expect(try silent.isClosed(), "--read-timeout holds for it\n\(server)")
    }
  }

  @Test func proxyOfNobodysTrustSaysNothing() throws {
    try serve(["--trusted-proxy", "10.0.0.1", "--proxy-protocol"]) { server throws in
      let connection = try server.connect()
      try connection.send("PROXY TCP4 203.0.113.9 10.0.0.1 4711 8080\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try connection.response().status == 400, "\(server)")
      #expect(try server.ask().text.hasPrefix("127.0.0.1 "))
    }
  }

  @Test(arguments: [Way.tls, .http2, .http2InTheClear]) func proxySaysSoBeforeTLSAndHTTP2(_ way: Way) throws {
    let site = try Site(["app.psgi": Self.app])
    if way.isSecure { try site.makeCertificate() }
    var options = way.options(environment: "production")
    options.arguments += Self.introduced
    try site.serve(options) { server throws in
      // curl speaks of its own connection.
      let answer = try server.curl(way, "/", ["--haproxy-protocol"])
      #expect(
        answer.output.hasSuffix(" \(way.isSecure ? "https on" : "http -") \(server.port) 127.0.0.1:\(server.port)")
          && answer.output.hasPrefix("127.0.0.1 "), "\(answer)\(server)")
    }
  }

  @Test func introducedConnectionsSurviveARestart() throws {
    try serve(Self.introduced) { server throws in
      let (served, secure, begun) = (try server.connect(), try server.connect(), try server.connect())
      try secure.send(Self.introducedByTLS)
      #expect(try secure.exchange().text.hasPrefix("2001:db8::9 4711 https"))
      try served.send("PROXY TCP4 203.0.113.9 10.0.0.1 4711 8080\r\n")
      #expect(try served.exchange().text.hasPrefix("203.0.113.9 4711"))
      try begun.send("PROXY TCP4 203.0.113.10 ")
      try server.restart()
      #expect(try served.exchange().text.hasPrefix("203.0.113.9 4711 http - 8080"), "\(server)")
      #expect(try secure.exchange().text.hasPrefix("2001:db8::9 4711 https on 443"), "\(server)")
      try begun.send("10.0.0.1 4712 8080\r\n")
      #expect(try begun.exchange().text.hasPrefix("203.0.113.10 4712"), "\(server)")
    }
  }
}
