import Foundation
import Glibc
import Testing

/// Connections: kept, pipelined, closed, refused.
@Suite(.lane) struct ConnectionTests {
  private func site() throws -> Site {
    try Site([
      "app.psgi": """
      sub {
        my $env = shift;
        if (my $signal = $env->{HTTP_X_SIGNAL}) { select undef, undef, undef, 0.01 until -e $signal }
        my $body = ''; $env->{'psgi.input'}->read($body, 100);
        [200, ['Content-Type' => 'text/plain'], ["$env->{REQUEST_METHOD} $env->{PATH_INFO} $body"]];
      };
      """
    ])
  }

  @Test func keptConnectionServesManyRequests() throws {
    try site().serve { server in
      let connection = try server.connect()
      for number in 0..<50 { #expect(try connection.exchange("GET", "/\(number)").text == "GET /\(number) ") }
    }
  }

  @Test func pipelinedRequestsAreAnsweredInOrder() throws {
    try site().serve { server in
      let connection = try server.connect()
      let requests = (0..<40).map { number in
        number % 3 == 0
          ? "POST /\(number) HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
          : "GET /\(number) HTTP/1.1\r\nHost: x\r\n\r\n"
      }
      try connection.send(requests.joined())
      for number in 0..<40 {
        let expected = number % 3 == 0 ? "POST /\(number) body" : "GET /\(number) "
        #expect(try connection.response().text == expected, "\(server)")
      }
    }
  }

  @Test func requestCutAnywhereIsUnderstood() throws {
    try site().serve { server in
      let connection = try server.connect()
      for byte in "POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbodyGET /next HTTP/1.1\r\nHost: x\r\n\r\n"
      {
        try connection.send(String(byte))
      }
      #expect(try connection.response().text == "POST /slow body", "\(server)")
      #expect(try connection.response().text == "GET /next ", "\(server)")
    }
  }

  @Test func connectionCloseIsObeyed() throws {
    try site().serve { server in
      let connection = try server.connect()
      let answer = try connection.exchange("GET", "/", headers: ["Connection: close"])
      #expect(answer.status == 200)
      #expect(answer["Connection"]?.lowercased() == "close")
      #expect(try connection.isClosed())
    }
  }

  @Test func olderClientsAreClosedUnlessTheyAskToBeKept() throws {
    try site().serve { server in
      let closing = try server.connect()
      try closing.send("GET /old HTTP/1.0\r\n\r\n")
      #expect(try closing.response().text == "GET /old ")
      #expect(try closing.isClosed())
      let kept = try server.connect()
      for _ in 0..<3 {
        try kept.send("GET /kept HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        let answer = try kept.response()
        #expect(answer.text == "GET /kept ")
        #expect(answer["Connection"]?.lowercased() == "keep-alive")
      }
    }
  }

  @Test func clientThatHasFinishedSendingGetsItsAnswer() throws {
    try site().serve { server in
      let connection = try server.connect()
      try connection.request("GET", "/half")
      connection.finishSending()
      #expect(try connection.response().text == "GET /half ")
      #expect(try connection.isClosed())
    }
  }

  @Test(arguments: [
    ("nonsense\r\n\r\n", [400]), ("GET / HTTP/1.1\r\n\r\n", [400]),
    ("GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n", [400]),
    ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", [400]), ("GET / HTTP/3.0\r\nHost: x\r\n\r\n", [400, 505]),
    ("GET / HTTP/1.1\r\nHost: x\r\n folded: 1\r\n\r\n", [400]),
    ("GET / HTTP/1.1\r\nHost: x\r\nX-Long: \(String(repeating: "y", count: 200_000))\r\n\r\n", [400, 431]),
    ("GET /\(String(repeating: "y", count: 200_000)) HTTP/1.1\r\nHost: x\r\n\r\n", [400, 414, 431]),
  ]) func requestThatIsNotHTTPIsRefused(_ request: String, _ statuses: [Int]) throws {
    try site().serve { server in
      let connection = try server.connect()
      // The server may close before it has taken all of a request that is too large.
      try? connection.send(request)
      if let answer = try? connection.response() { #expect(statuses.contains(answer.status), "\(answer.status)") }
      #expect(try connection.isClosed())
      #expect(try server.text("/next") == "GET /next ", "\(server)")
    }
  }

  @Test func idleAndHalfSentConnectionsHoldNoWorker() throws {
    try site().serve(ServerOptions(workers: 1)) { server in
      var others: [Connection] = []
      for number in 0..<100 {
        let connection = try server.connect()
        if number % 3 == 0 { _ = try connection.exchange() }
        if number % 3 == 1 { try connection.send("GET / HTTP/1.1\r\nHo") }
        others.append(connection)
      }
      #expect(try server.text("/through") == "GET /through ", "\(server)")
      for connection in others.enumerated().filter({ $0.offset % 3 == 0 }).map(\.element) {
        #expect(try connection.exchange("GET", "/again").text == "GET /again ")
      }
    }
  }

  @Test func waitingRequestsAreServedWhenTheWorkersAreFree() throws {
    let site = try site()
    try site.serve { server in
      let signal = site.notes + "/go"
      let blocked = try (0..<2).map { _ in try server.connect() }
      for connection in blocked { try connection.request("GET", "/blocked", headers: ["X-Signal: \(signal)"]) }
      let waiting = try (0..<30).map { _ in try server.connect() }
      for (number, connection) in waiting.enumerated() { try connection.request("GET", "/\(number)") }
      try site.write(signal, "")
      for connection in blocked { #expect(try connection.response().text == "GET /blocked ") }
      for (number, connection) in waiting.enumerated() {
        #expect(try connection.response().text == "GET /\(number) ", "\(server)")
      }
    }
  }

  @Test(.enabled(if: raisesDescriptorLimit(), "the limit of open files is too low"))
  func tooManyWaitingAreToldToComeBack()
    throws
  {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server in
      let signal = site.notes + "/go"
      let connections = try (0..<1200).map { _ in try server.connect() }
      for connection in connections { try connection.request("GET", "/", headers: ["X-Signal: \(signal)"]) }
      // The first of them hold the worker until the signal, so whoever is answered now is turned away.
      #expect(eventually { connections.contains { $0.hasSomething(within: 0) } }, "\(server)")
      try site.write(signal, "")
      let answers = try connections.map { try $0.response() }
      let refused = answers.filter { $0.status == 503 }
      #expect(!refused.isEmpty && refused.allSatisfy { $0["Retry-After"] != nil })
      #expect(answers.filter { $0.status == 200 }.count + refused.count == answers.count)
      #expect(refused.count < 300, "\(refused.count) of 1200 were turned away")
    }
  }

  /// Raises the soft limit of open files of the tests' process to what 1200 connections need; whether it could.
  private static func raisesDescriptorLimit() -> Bool {
    var limit = rlimit()
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(kind, &limit) == 0, limit.rlim_max >= 4096 else { return false }
    limit.rlim_cur = max(limit.rlim_cur, 4096)
    return setrlimit(kind, &limit) == 0
  }
}
