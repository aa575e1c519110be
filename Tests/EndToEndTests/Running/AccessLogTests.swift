import Foundation
import Glibc
import Testing

/// `--access-log` in its formats, and the ids of requests.
@Suite(.lane) struct AccessLogTests {
  private static let app = """
    sub {
      my $env = shift;
      die "no\\n" if $env->{PATH_INFO} eq '/die';
      $env->{REMOTE_USER} = 'ostrea' if $env->{PATH_INFO} eq '/private';
      return sub { my $w = $_[0]->([200, []]); $w->write('ab'); $w->write('c'); $w->close } if $env->{PATH_INFO} eq '/stream';
      return [200, ['X-Request-Id' => 'own'], ['x']] if $env->{PATH_INFO} eq '/own';
      [200, ['Content-Type' => 'text/plain'], ['id '.($env->{HTTP_X_REQUEST_ID} // 'none')]];
    };
    """

  private func serve(_ arguments: [String], workers: Int = 2, _ body: (Server, Site) throws -> Void) throws {
    let site = try Site(["app.psgi": Self.app])
    var options = ServerOptions(environment: "production", workers: workers)
    options.arguments = arguments
    try site.serve(options) { try body($0, site) }
  }

  /// The lines of a log, when there are so many.
  private func lines(_ count: Int, of log: () -> String) -> [String] {
    var lines: [String] = []
    _ = eventually {
      lines = log().split(separator: "\n").map(String.init)
      return lines.count >= count
    }
    return lines
  }

  @Test func combinedIsWhatApacheAndPlackWrite() throws {
    try serve(["--access-log", "access.log"]) { server, site in
      _ = try server.ask(
        "GET", "/a?b=c", headers: ["Referer: http://x/\"y", "User-Agent: tests\\ü"])
      _ = try server.ask("GET", "/private")
      _ = try server.ask("GET", "/stream")
      _ = try server.ask("POST", "/die")
      let lines = lines(4) { site.read("access.log") }
      let time = "\\[\\d\\d/[A-Z][a-z]{2}/\\d{4}:\\d\\d:\\d\\d:\\d\\d [+-]\\d{4}\\]"
      let expected = [
        "127\\.0\\.0\\.1 - - \(time) \"GET /a\\?b=c HTTP/1\\.1\" 200 7 \"http://x/\\\\\"y\" \"tests\\\\\\\\\\\\xc3\\\\xbc\"",
        "127\\.0\\.0\\.1 - ostrea \(time) \"GET /private HTTP/1\\.1\" 200 7 \"-\" \"-\"",
        "127\\.0\\.0\\.1 - - \(time) \"GET /stream HTTP/1\\.1\" 200 3 \"-\" \"-\"",
        "127\\.0\\.0\\.1 - - \(time) \"POST /die HTTP/1\\.1\" 500 22 \"-\" \"-\"",
      ]
      #expect(lines.count == 4)
      // Two workers write, each when the answer has left.
      for pattern in expected {
        #expect(try lines.contains { try $0.wholeMatch(of: Regex(pattern)) != nil }, "\(pattern)\n\(lines)")
      }
    }
  }

  @Test func timedHasDurationAndIdBehindIt() throws {
    try serve(["--access-log", "access.log", "--access-log-format", "timed", "--request-ids"]) { server, site in
      let answer = try server.ask()
      let id = try #require(answer["X-Request-Id"])
      let line = try #require(lines(1) { site.read("access.log") }.first)
      #expect(line.hasSuffix(" \(id)"), "\(line)")
      let duration = try #require(Int(line.split(separator: " ").dropLast().last ?? ""))
      #expect((1...60_000_000).contains(duration), "\(line)")
    }
  }

  @Test func jsonIsAnObjectALine() throws {
    try serve(["--access-log", "access.log", "--access-log-format", "json", "--request-ids"]) { server, site in
      let answer = try server.ask("GET", "/a?b", headers: ["User-Agent: a\"b\\ü"])
      let line = try #require(lines(1) { site.read("access.log") }.first)
      let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      #expect(object["method"] as? String == "GET" && object["target"] as? String == "/a?b", "\(line)")
      #expect(object["status"] as? Int == 200 && object["bytes"] as? Int == answer.body.count, "\(line)")
      #expect(object["address"] as? String == "127.0.0.1" && object["host"] as? String == "nacre.test", "\(line)")
      #expect(object["id"] as? String == answer["X-Request-Id"], "\(line)")
      #expect(object["agent"] as? String == "a\"b\\Ã¼" && object["generation"] as? Int == 1, "\(line)")
      #expect((object["time"] as? String)?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil, "\(line)")
      #expect((object["microseconds"] as? Int ?? 0) > 0 && object["user"] == nil, "\(line)")
    }
  }

  @Test func dashIsStandardOutput() throws {
    try serve(["--access-log", "-"]) { server, site in
      _ = try server.ask("GET", "/out")
      #expect(lines(1) { server.output }.first?.contains("\"GET /out HTTP/1.1\" 200") == true, "\(server)")
    }
  }

  @Test func logIsOpenedAnewOnUSR1() throws {
    // A second one might open the log for the first time when it has another name.
    try serve(["--access-log", "access.log"], workers: 1) { server, site in
      _ = try server.ask("GET", "/one")
      #expect(lines(1) { site.read("access.log") }.count == 1)
      #expect(rename(site.absolute("access.log"), site.absolute("access.log.1")) == 0)
      _ = try server.ask("GET", "/two")
      #expect(lines(2) { site.read("access.log.1") }.count == 2)
      server.process.send(SIGUSR1)
      #expect(server.logs("each worker opens the access log anew"), "\(server)")
      for _ in 0..<4 { _ = try server.ask("GET", "/three") }
      #expect(lines(4) { site.read("access.log") }.allSatisfy { $0.contains("/three") })
      #expect(site.read("access.log.1").split(separator: "\n").count == 2)
    }
  }

  @Test func eachRequestHasAnIdOfItsOwn() throws {
    try serve(["--request-ids"]) { server, _ in
      let connection = try server.connect()
      let answers = try (0..<20).map { _ in try connection.exchange("GET", "/", headers: ["X-Request-Id: mine"]) }
      let ids = answers.compactMap { $0["X-Request-Id"] }
      #expect(Set(ids).count == 20 && ids.allSatisfy { $0.wholeMatch(of: /[0-9a-f]{32}/) != nil }, "\(ids)")
      for (answer, id) in zip(answers, ids) { #expect(answer.text == "id \(id)") }
      // What the application says of itself goes first.
      #expect(try server.ask("GET", "/own")["X-Request-Id"] == "own")
    }
  }

  @Test func withoutIdsNothingIsAddedOrTaken() throws {
    try serve([]) { server, _ in
      let answer = try server.ask("GET", "/", headers: ["X-Request-Id: mine"])
      #expect(answer.text == "id mine" && answer["X-Request-Id"] == nil)
    }
  }
}
