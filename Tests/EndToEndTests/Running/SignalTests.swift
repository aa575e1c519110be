import Foundation
import Glibc
import Testing

/// How the server is stopped.
@Suite(.lane) struct SignalTests {
  /// An application that answers when a file appears, or at once when none is named.
  private func site() throws -> Site {
    try Site([
      "app.psgi": """
      sub {
        my $signal = $_[0]{HTTP_X_SIGNAL};
        if ($signal) { open my $note, '>', "$signal.begun"; select undef, undef, undef, 0.01 until -e $signal }
        [200, ['Content-Type' => 'text/plain'], ['done']];
      };
      """
    ])
  }

  private func exists(_ file: String) -> Bool { FileManager.default.fileExists(atPath: file) }

  /// Opens a connection whose request has begun and ends when `file` appears.
  private func begunRequest(_ server: Server, until file: String) throws -> Connection {
    let connection = try server.connect()
    try connection.request(headers: ["X-Signal: \(file)"])
    guard eventually({ exists(file + ".begun") }) else { throw Stuck("the request did not begin") }
    return connection
  }

  @Test(arguments: [SIGTERM, SIGINT]) func requestInHandIsFinishedBeforeTheEnd(_ signal: Int32) throws {
    let site = try site()
    try site.serve { server in
      let idle = try server.connect()
      #expect(try idle.exchange().text == "done")
      let file = site.notes + "/go"
      let connection = try begunRequest(server, until: file)
      server.process.send(signal)
      #expect(try idle.isClosed(), "idle connections are closed at once")
      #expect(eventually { (try? server.connect()) == nil }, "nobody new is let in")
      #expect(server.process.ended() == nil)
      try site.write(file, "")
      #expect(try connection.response().text == "done", "\(server)")
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
    }
  }

  @Test func secondInterruptEndsAtOnce() throws {
    let site = try site()
    try site.serve(expecting: nil) { server in
      let connection = try begunRequest(server, until: site.notes + "/never")
      server.process.send(SIGINT)
      #expect(eventually { (try? server.connect()) == nil })
      #expect(server.process.ended() == nil, "\(server)")
      server.process.send(SIGINT)
      #expect(server.process.waitForEnd() != nil, "\(server)")
      #expect(try connection.isClosed())
      #expect(eventually { server.process.session().isEmpty }, "\(server)")
    }
  }

  @Test func stopDuringAnEndlessLoadEndsToo() throws {
    let site = try site()
    try site.serve { server in
      #expect(try server.text() == "done")
      try site.write("app.psgi", "1 while 1;")
      let waiting = try server.connect()
      try waiting.request()
      #expect(eventually { server.process.session().contains { $0.state == "R" && $0.pid != server.process.pid } })
      server.process.send(SIGTERM)
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
    }
  }

  @Test func stopRightAfterTheStartLeavesNothing() throws {
    for _ in 0..<3 { try site().serve { _ in } }
  }

  @Test func signalsToTheWholeGroupStopItOnce() throws {
    // What a terminal does at Ctrl-C: every process of the foreground group gets the signal.
    let site = try site()
    try site.serve { server in
      let file = site.notes + "/go"
      let connection = try begunRequest(server, until: file)
      kill(-server.process.pid, SIGINT)
      try site.write(file, "")
      #expect(try connection.response().text == "done", "\(server)")
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
    }
  }
}
