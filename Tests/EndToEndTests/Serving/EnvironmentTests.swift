import Testing

/// The PSGI environment that an application gets.
@Suite(.lane) struct EnvironmentTests {
  /// An application that answers with its environment, one `key=value` a line.
  static let telling = """
    sub {
      my $env = shift;
      my $show = sub { ref $_[0] eq 'ARRAY' ? "[@{$_[0]}]" : ref $_[0] ? 'ref' : defined $_[0] ? $_[0] : 'undef' };
      [200, ['Content-Type' => 'text/plain'], [map { "$_=" . $show->($env->{$_}) . "\\n" } sort keys %$env]];
    };
    """

  /// What the application is told when these bytes are sent.
  private func environment(_ bytes: String, then check: ([String: String], Server) throws -> Void) throws {
    let site = try Site(["app.psgi": Self.telling])
    try site.serve { server in
      let connection = try server.connect()
      try connection.send(bytes)
      let answer = try connection.response()
      #expect(answer.status == 200, "\(server)")
      let lines = answer.text.split(separator: "\n")
      let pairs = lines.map { line -> (String, String) in
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
      }
      var environment = Dictionary(pairs) { $1 }
      environment["client port"] = "\(connection.localPort)"
      try check(environment, server)
    }
  }

  @Test func requestLineAndAddressesAreThere() throws {
    try environment("GET /a%20b%2Fc%7e/?x=%20y&z HTTP/1.1\r\nHost: example.test:81\r\n\r\n") { environment, server in
      let expected = [
        "REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "PATH_INFO": "/a b/c~/", "QUERY_STRING": "x=%20y&z",
        "REQUEST_URI": "/a%20b%2Fc%7e/?x=%20y&z", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "example.test:81",
        "REMOTE_ADDR": "127.0.0.1", "REMOTE_PORT": environment["client port"] ?? "", "SERVER_PORT": "\(server.port)",
      ]
      for (key, value) in expected { #expect(environment[key] == value, "\(key)") }
      #expect(environment["SERVER_NAME"]?.isEmpty == false)
      #expect(environment["CONTENT_LENGTH"] == nil)
      #expect(environment["CONTENT_TYPE"] == nil)
    }
  }

  @Test func psgiKeysAreThere() throws {
    try environment("GET / HTTP/1.1\r\nHost: x\r\n\r\n") { environment, _ in
      let expected = [
        "psgi.version": "[1 1]", "psgi.url_scheme": "http", "psgi.streaming": "1", "psgi.multiprocess": "1",
        "psgi.input": "ref", "psgi.errors": "ref", "psgix.input.buffered": "1",
      ]
      for (key, value) in expected { #expect(environment[key] == value, "\(key)") }
      for key in ["psgi.multithread", "psgi.run_once", "psgi.nonblocking"] {
        #expect(["", "0"].contains(environment[key]), "\(key)")
      }
    }
  }

  @Test func headersBecomeKeysAndRepeatedOnesAreJoined() throws {
    try environment(
      "GET / HTTP/1.1\r\nHost: x\r\nX-Many: one\r\nx-many:  two \r\nAccept: */*\r\nX-Empty:\r\nCookie: a=1\r\n\r\n"
    ) { environment, _ in
      #expect(environment["HTTP_X_MANY"] == "one, two")
      #expect(environment["HTTP_ACCEPT"] == "*/*")
      #expect(environment["HTTP_X_EMPTY"] == "")
      #expect(environment["HTTP_COOKIE"] == "a=1")
    }
  }

  @Test func contentHeadersLoseTheirPrefix() throws {
    try environment(
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: text/css\r\nContent-Length: 2\r\n\r\nab"
    ) { environment, _ in
      #expect(environment["CONTENT_TYPE"] == "text/css")
      #expect(environment["CONTENT_LENGTH"] == "2")
      #expect(environment["HTTP_CONTENT_TYPE"] == nil)
      #expect(environment["HTTP_CONTENT_LENGTH"] == nil)
    }
  }

  @Test func targetWithSchemeAndHostIsUnderstood() throws {
    try environment("GET http://example.test/path?q HTTP/1.1\r\nHost: example.test\r\n\r\n") { environment, _ in
      #expect(environment["PATH_INFO"] == "/path")
      #expect(environment["QUERY_STRING"] == "q")
    }
  }

  @Test func olderProtocolIsNamed() throws {
    try environment("GET / HTTP/1.0\r\n\r\n") { environment, _ in
      #expect(environment["SERVER_PROTOCOL"] == "HTTP/1.0")
      #expect(environment["HTTP_HOST"] == nil)
    }
  }

  @Test func oneRequestsKeysAreNotTheNextOnes() throws {
    let site = try Site(["app.psgi": Self.telling])
    try site.serve(ServerOptions(workers: 1)) { server in
      let connection = try server.connect()
      let first = try connection.exchange("POST", "/one?a", headers: ["X-One: 1", "Content-Type: a/b"], body: [1])
      #expect(first.text.contains("HTTP_X_ONE=1"))
      let second = try connection.exchange("GET", "/two")
      #expect(second.text.contains("PATH_INFO=/two"))
      #expect(second.text.contains("QUERY_STRING=\n"))
      for gone in ["HTTP_X_ONE", "CONTENT_TYPE", "CONTENT_LENGTH"] { #expect(!second.text.contains(gone)) }
    }
  }

  @Test func valuesSetByTheApplicationAreGoneInTheNextRequest() throws {
    let site = try Site([
      "app.psgi": Site.app("join ',', map { $_ // 'none' } delete $env->{'my.key'}, $env->{'my.key'} = 'set'")
    ])
    try site.serve(ServerOptions(workers: 1)) { server in
      let connection = try server.connect()
      for _ in 0..<3 { #expect(try connection.exchange().text == "none,set", "\(server)") }
    }
  }

  @Test func errorsAndWarningsGoToStandardError() throws {
    let site = try Site([
      "app.psgi": Site.app("do { $env->{'psgi.errors'}->print('printed', \"\\n\"); warn \"warned\\n\"; 'ok' }")
    ])
    try site.serve { server throws in
      #expect(try server.text() == "ok")
      #expect(server.logs("printed\n") && server.logs("warned\n"), "\(server)")
    }
  }
}
