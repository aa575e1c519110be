import Foundation
import Glibc
import Testing

/// What a client sees that asks for too much, or takes too long.
@Suite(.lane) struct LimitTests {
  private static let app = """
    sub {
      my $env = shift;
      if (my $signal = $env->{HTTP_X_SIGNAL}) { select undef, undef, undef, 0.01 until -e $signal }
      return [200, ['Content-Type' => 'text/plain'], ['x' x $1]] if $env->{PATH_INFO} =~ m{^/long/(\\d+)};
      if ($env->{PATH_INFO} eq '/file') {
        open my $file, '<', 'big' or die "big: $!";
        return [200, ['Content-Type' => 'text/plain'], $file];
      }
      my $body = ''; 1 while $env->{'psgi.input'}->read($body, 65536, length $body);
      [200, ['Content-Type' => 'text/plain'], ["$env->{REQUEST_METHOD} ".length $body]];
    };
    """

  private func serve(_ arguments: String..., workers: Int = 1, _ body: (Server) throws -> Void) throws {
    let site = try Site(["app.psgi": Self.app])
    var options = ServerOptions(environment: "production")
    options.arguments = arguments
    options.workers = workers
    try site.serve(options, body)
  }

  /// The first of two requests that come together is served; a worker then meets the second.
  private func statuses(_ server: Server, _ requests: String...) throws -> [Int] {
    let connection = try server.connect()
    try connection.send(requests.joined())
    return try requests.map { _ in try connection.response().status }
  }

  private let fine = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

  @Test func headThatIsTooLongIsAnsweredWith431() throws {
    try serve("--max-header-size", "1k") { server in
      func head(of bytes: Int) -> String {
        let start = "GET / HTTP/1.1\r\nHost: x\r\nX: "
        return start + String(repeating: "y", count: bytes - start.utf8.count - 4) + "\r\n\r\n"
      }
      #expect(try statuses(server, head(of: 1024)) == [200], "\(server)")
      let connection = try server.connect()
      try connection.send(head(of: 1025))
      let answer = try connection.response()
      #expect(answer.status == 431 && answer.text == "The request head is too large.\n", "\(answer)")
      #expect(try connection.isClosed())
      #expect(try statuses(server, fine, head(of: 1025)) == [200, 431], "\(server)")
    }
  }

  @Test func bodyThatIsTooLongIsAnsweredWith413() throws {
    try serve("--max-body-size", "10") { server in
      func chunked(_ body: String) -> String {
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
          + "\(String(body.utf8.count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
      }
      func plain(_ body: String) -> String {
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
      }
      let (ten, eleven) = ("0123456789", "0123456789a")
      for form in [plain, chunked] {
        #expect(try statuses(server, form(ten)) == [200], "\(server)")
        #expect(try statuses(server, form(eleven)) == [413], "\(server)")
        #expect(try statuses(server, fine, form(ten)) == [200, 200], "\(server)")
        #expect(try statuses(server, fine, form(eleven)) == [200, 413], "\(server)")
      }
      // Before the client has sent any of it.
      let connection = try server.connect()
      try connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n")
      let answer = try connection.response()
      #expect(answer.status == 413 && answer.text == "The request body is too large.\n", "\(answer)")
    }
  }

  @Test func bodyThatDoesNotComeIsAnsweredWith408() throws {
    try serve("--body-timeout", "1") { server in
      let connection = try server.connect()
      try connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na")
      let answer = try connection.response()
      #expect(answer.status == 408 && answer.text == "The request body did not arrive in time.\n", "\(answer)")
      #expect(try connection.isClosed())
    }
  }

  @Test func responseThatIsNotTakenIsCutOff() throws {
    try serve("--send-timeout", "1") { server in
      let connection = try server.connect()
      connection.takeAtMost(1 << 20)
      try connection.request("GET", "/long/\(32 << 20)")
      #expect(server.isConnected(to: connection.localPort))
      #expect(eventually { !server.isConnected(to: connection.localPort) }, "\(server)")
      let head = try connection.responseHead()
      #expect(head["Content-Length"] == "\(32 << 20)")
      var count = 0
      while case let some = try connection.readSome(), !some.isEmpty { count += some.count }
      #expect(count < 32 << 20)
    }
  }

  @Test func connectionThatIsOneTooManyIsAnsweredWith503() throws {
    try serve("--max-connections", "3") { server in
      let signal = server.site.notes + "/go"
      let served = try (0..<3).map { _ in try server.connect() }
      for connection in served { try connection.request("GET", "/", headers: ["X-Signal: \(signal)"]) }
      // One of them is with the worker, the others wait: nacre has seen all three when it turns somebody away.
      let turnedAway = try server.ask()
      #expect(turnedAway.status == 503 && turnedAway["Retry-After"] == "1", "\(turnedAway)")
      #expect(turnedAway.text == "There are too many connections. Try again in a moment.\n")
      try server.site.write(signal, "")
      for connection in served { #expect(try connection.response().status == 200, "\(server)") }
      // Idle connections make room.
      #expect(try server.ask().status == 200, "\(server)")
    }
  }

  @Test func fullQueueIsAnsweredWith503() throws {
    try serve("--max-queue", "1") { server in
      let signal = server.site.notes + "/go"
      let connections = try (0..<12).map { _ in try server.connect() }
      for connection in connections { try connection.request("GET", "/", headers: ["X-Signal: \(signal)"]) }
      #expect(eventually { connections.contains { $0.hasSomething(within: 0) } }, "\(server)")
      try server.site.write(signal, "")
      let answers = try connections.map { try $0.response() }
      let refused = answers.filter { $0.status == 503 }
      #expect(!refused.isEmpty && refused.allSatisfy { $0["Retry-After"] == "1" })
      #expect(refused.allSatisfy { $0.text == "Too many requests are waiting. Try again in a moment.\n" })
      #expect(answers.count { $0.status == 200 } == answers.count - refused.count, "\(server)")
      #expect(refused.count < answers.count)
    }
  }

  @Test func limitThatTheSystemDoesNotAllowIsSaid() throws {
    try serve("--max-connections", "1000000") { server throws in
      #expect(server.logs("the limit of open files (ulimit -n) leaves room for "), "\(server)")
      #expect(try server.ask().status == 200)
    }
  }

  /// Three kinds of slow client, a thousand in all, and a single worker.
  @Test(.slow, .enabled(if: descriptorsForCrowd(), "the limit of open files is too low"))
  func thousandSlowClientsHoldNoWorker() throws {
    try serve { server in
      try server.site.write("big", [UInt8](repeating: 0x78, count: 16 << 20))
      let head = Array("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n".utf8)
      let readers = try (0..<40).map { number in
        let connection = try server.connect()
        try connection.request("GET", number % 2 == 0 ? "/file" : "/long/\(8 << 20)")
        return connection
      }
      let heads = try (0..<480).map { _ in try server.connect() }
      let bodies = try (0..<480).map { _ in try server.connect() }
      for connection in bodies { try connection.send(head) }
      for round in 0..<20 {
        for connection in heads { try connection.send([head[round]]) }
        for connection in bodies where round < 19 { try connection.send([0x62]) }
        #expect(try server.text() == "GET 0", "round \(round)\n\(server)")
      }
      for connection in bodies { try connection.send([0x62]) }
      for connection in bodies { #expect(try connection.response().text == "POST 20", "\(server)") }
      for connection in heads { try connection.send(Array(head[20...]) + [UInt8](repeating: 0x62, count: 20)) }
      for connection in heads { #expect(try connection.response().text == "POST 20", "\(server)") }
      for (number, connection) in readers.enumerated() {
        #expect(try connection.response().body.count == (number % 2 == 0 ? 16 : 8) << 20, "\(server)")
      }
    }
  }

  private static func descriptorsForCrowd() -> Bool {
    var limit = rlimit()
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(kind, &limit) == 0, limit.rlim_max >= 4096 else { return false }
    limit.rlim_cur = max(limit.rlim_cur, 4096)
    return setrlimit(kind, &limit) == 0
  }
}

extension Server {
  /// Whether the server has an open connection to this port; what the system has yet to send of a closed one is none.
  fileprivate func isConnected(to client: UInt16) -> Bool {
    func end(_ port: UInt16) -> String { ":" + String(format: "%04X", Int(port)) }
    // The kernel gives a piece at each read, and no size.
    let table = FileHandle(forReadingAtPath: "/proc/net/tcp")?.readDataToEndOfFile() ?? Data()
    return String(decoding: table, as: UTF8.self).split(separator: "\n").contains { line in
      let fields = line.split(separator: " ")
      return fields.count > 3 && fields[1].hasSuffix(end(port)) && fields[2].hasSuffix(end(client)) && fields[3] == "01"
    }
  }
}
