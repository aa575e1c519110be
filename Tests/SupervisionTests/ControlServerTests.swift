import CLinux
import Glibc
import Switchboard
import Testing

@testable import Supervision

/// A control server that echoes, its loop, and clients on the same thread.
private final class Bench {
  let loop: EventLoop
  let server: ControlServer
  private let directory: String
  /// The requests that have come, and the replies that were not given at once (paths beginning with `/later`).
  final class Seen {
    var requests: [ControlRequest] = []
    var later: [ControlReply] = []
  }
  let seen = Seen()

  init(
    patience: UInt64 = 10_000_000_000, takeNext: @escaping (Int32) -> Int32 = ControlServer.accept(on:)
  ) throws {
    var template = Array("/tmp/nacre-control-XXXXXX".utf8CString)
    directory = String(cString: mkdtemp(&template)!)
    loop = try EventLoop()
    server = ControlServer(
      loop: loop, socket: try ControlSocket(path: directory + "/a.sock"), patience: patience, takeNext: takeNext
    ) {
      [seen] request, reply in
      seen.requests.append(request)
      switch request.path {
      case "/later": seen.later.append(reply)
      case "/events": reply.stream()
      default: reply(.problem(200, request.method + " " + request.path))
      }
    }
    try server.start()
  }

  deinit {
    server.end()
    rmdir(directory)
  }

  func client() throws -> Client {
    guard case .success(let descriptor) = ControlDial.connect(server.socket.path) else { throw Stuck() }
    _ = cl_set_nonblocking(descriptor, true)
    return Client(descriptor: descriptor, loop: loop)
  }

  struct Stuck: Error {}

  /// Turns until the condition holds; whether it did within ten seconds.
  func turns(until condition: () -> Bool) -> Bool {
    let end = EventLoop.clock() + 10_000_000_000
    while !condition() {
      if EventLoop.clock() > end { return false }
      loop.turn(atMost: 1_000_000)
    }
    return true
  }

  final class Client {
    let descriptor: Int32
    private let loop: EventLoop
    private(set) var text = ""
    private(set) var hasEnded = false

    init(descriptor: Int32, loop: EventLoop) { (self.descriptor, self.loop) = (descriptor, loop) }

    deinit { close(descriptor) }

    @discardableResult
    func send(_ text: String) -> Int {
      Array(text.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    func read() {
      var bytes = [UInt8](repeating: 0, count: 65536)
      while !hasEnded {
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        if count > 0 { text += String(decoding: bytes.prefix(count), as: UTF8.self) }
        if count == 0 || count < 0 && errno != EAGAIN { hasEnded = true }
        if count < 0 { return }
      }
    }
  }
}

@Suite struct ControlHTTP {
  private let get = "GET /v1/a?b=c%20d&e HTTP/1.1\r\nHost: x\r\n\r\n"

  @Test func answersWithJSONAndKeepsTheConnection() throws {
    let bench = try Bench()
    let client = try bench.client()
    for count in 1...3 {
      client.send(get)
      #expect(
        bench.turns {
          client.read(); return client.text.components("\"GET /v1/a\"") == count
        })
    }
    #expect(client.text.hasPrefix("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"))
    #expect(!client.hasEnded)
    #expect(bench.seen.requests[0].parameters == ["b": "c d", "e": ""])
  }

  @Test func requestsInOneLineAreAnsweredInOrder() throws {
    let bench = try Bench()
    let client = try bench.client()
    client.send(String(repeating: get, count: 20))
    #expect(
      bench.turns {
        client.read(); return client.text.components("HTTP/1.1 200") == 20
      })
  }

  @Test func whoCannotBeAcceptedIsNotTriedInEveryTurn() throws {
    final class Tries { var count = 0 }
    let tries = Tries()
    let bench = try Bench { listener in
      tries.count += 1
      if tries.count > 2 { return ControlServer.accept(on: listener) }
      errno = EMFILE
      return -1
    }
    let client = try bench.client()
    client.send(get)
    #expect(!bench.turns(until: { tries.count > 1 }, for: 50_000_000))
    #expect(tries.count == 1)
    #expect(
      bench.turns {
        client.read(); return client.text.hasPrefix("HTTP/1.1 200")
      })
  }

  @Test func bodyArrivesInPieces() throws {
    let bench = try Bench()
    let client = try bench.client()
    client.send("POST /v1/a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
    #expect(!bench.turns(until: { !bench.seen.requests.isEmpty }, for: 50_000_000))
    client.send("def")
    #expect(bench.turns { !bench.seen.requests.isEmpty })
    #expect(bench.seen.requests[0].body == Array("abcdef".utf8))
  }

  @Test func expectationOfABodyIsMet() throws {
    let bench = try Bench()
    let client = try bench.client()
    client.send("POST /v1/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    #expect(
      bench.turns {
        client.read(); return client.text == "HTTP/1.1 100 Continue\r\n\r\n"
      })
    client.send("{}")
    #expect(
      bench.turns {
        client.read(); return client.text.contains("200 OK")
      })
  }

  @Test(arguments: [
    ("GET /v1/a HTTP/1.1\r\n\r\n", 400), ("nonsense\r\n\r\n", 400), ("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", 413),
    ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
    ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
    ("GET /" + String(repeating: "a", count: 9000) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
  ])
  func mistakesAreAnsweredWithASentenceInJSON(_ request: String, _ status: Int) throws {
    let bench = try Bench()
    let client = try bench.client()
    client.send(request)
    #expect(
      bench.turns {
        client.read(); return client.text.contains("}")
      })
    #expect(client.text.hasPrefix("HTTP/1.1 \(status) "), "\(client.text)")
    #expect(client.text.contains("\"error\" : \""))
    #expect(bench.seen.requests.isEmpty)
  }

  @Test(arguments: [
    ("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "The request target is not valid."),
    ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", "The body is longer than 65536 bytes."),
    ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", "Send the body with a Content-Length."),
  ])
  func mistakesAreNamed(_ request: String, _ sentence: String) throws {
    let bench = try Bench()
    let client = try bench.client()
    client.send(request)
    #expect(
      bench.turns {
        client.read(); return client.text.contains("}")
      })
    #expect(client.text.contains("\"error\" : \"\(sentence)\""), "\(client.text)")
  }

  @Test func answerMayComeLaterAndToNobody() throws {
    let bench = try Bench()
    let client = try bench.client()
    client.send("POST /later HTTP/1.1\r\nHost: x\r\n\r\n")
    do {
      let leaving = try bench.client()
      leaving.send("POST /later HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(bench.turns { bench.seen.later.count == 2 })
    }
    #expect(bench.turns { bench.server.connections.count == 1 })
    for reply in bench.seen.later { reply(.problem(200, "late")) }
    #expect(
      bench.turns {
        client.read(); return client.text.contains("late")
      })
  }

  @Test func clientThatSendsNoMoreStillGetsItsAnswer() throws {
    let bench = try Bench()
    let client = try bench.client()
    client.send("POST /later HTTP/1.1\r\nHost: x\r\n\r\n")
    shutdown(client.descriptor, Int32(SHUT_WR))
    #expect(bench.turns { bench.seen.later.count == 1 })
    bench.seen.later[0](.problem(200, "late"))
    #expect(
      bench.turns {
        client.read(); return client.hasEnded
      })
    #expect(client.text.contains("late"))
  }

  @Test func requestThatDoesNotComeToAnEndIsGivenUp() throws {
    let bench = try Bench(patience: 50_000_000)
    let client = try bench.client()
    client.send("GET /v1/a HT")
    #expect(
      bench.turns {
        client.read(); return client.hasEnded
      })
    #expect(bench.server.connections.isEmpty)
  }

  @Test func requestThatComesInPiecesIsGivenUp() throws {
    let bench = try Bench(patience: 50_000_000)
    let client = try bench.client()
    client.send("GET /v1/a HTTP/1.1\r\n")
    // Each piece comes long before the time is over.
    #expect(
      bench.turns {
        client.read()
        if !client.hasEnded { client.send("a: b\r\n") }
        return client.hasEnded
      })
    #expect(bench.server.connections.isEmpty)
  }

  @Test func thereAreOnlySoManyConnections() throws {
    let bench = try Bench()
    let clients = try (0..<ControlServer.maximum).map { _ in try bench.client() }
    #expect(bench.turns { bench.server.connections.count == ControlServer.maximum })
    let late = try bench.client()
    #expect(
      bench.turns {
        late.read(); return late.hasEnded
      })
    #expect(late.text.hasPrefix("HTTP/1.1 503 "))
    clients[0].send(get)
    #expect(
      bench.turns {
        clients[0].read(); return clients[0].text.contains("200 OK")
      })
  }
}

@Suite struct ControlEvents {
  private func follower(_ bench: Bench) throws -> Bench.Client {
    let client = try bench.client()
    client.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
    #expect(
      bench.turns {
        client.read(); return client.text.hasSuffix("\r\n\r\n")
      })
    return client
  }

  private func event(_ text: String) -> ControlDocument.Event {
    .init(event: "report", at: "2026-11-21T12:00:00.000Z", text: text)
  }

  @Test func goToEveryFollowerOneLineEach() throws {
    let bench = try Bench()
    let clients = [try follower(bench), try follower(bench)]
    bench.server.publish(event("a\nb"))
    for client in clients {
      #expect(
        bench.turns {
          client.read(); return client.text.hasSuffix("\n\n")
        })
      #expect(client.text.contains("Content-Type: text/event-stream\r\n"))
      #expect(
        client.text.contains(
          "event: report\ndata: {\"at\":\"2026-11-21T12:00:00.000Z\",\"event\":\"report\",\"text\":\"a\\nb\"}\n\n"))
    }
  }

  @Test func followerThatDoesNotReadIsDropped() throws {
    let bench = try Bench()
    let lazy = try follower(bench)
    let text = String(repeating: "x", count: 10_000)
    for _ in 0..<200 { bench.server.publish(event(text)) }
    #expect(bench.server.connections.isEmpty)
    // Another test may be starting a process just now, which has copies until it has become that program.
    #expect(
      bench.turns {
        lazy.read()
        return lazy.hasEnded
      })
  }

  @Test func followerThatReadsSlowlyMissesNothing() throws {
    let bench = try Bench()
    let slow = try follower(bench)
    let text = String(repeating: "x", count: 10_000)
    for count in 1...40 {
      bench.server.publish(event(text))
      if count % 10 == 0 {
        #expect(
          bench.turns {
            slow.read(); return slow.text.components("event: report") == count
          })
      }
    }
  }

  @Test func followerThatLeavesIsForgotten() throws {
    let bench = try Bench()
    do { _ = try follower(bench) }
    #expect(bench.turns { bench.server.connections.isEmpty })
  }

  @Test func endOfTheServerEndsThem() throws {
    let bench = try Bench()
    let client = try follower(bench)
    bench.server.end()
    #expect(
      bench.turns {
        client.read()
        return client.hasEnded
      })
    #expect(access(bench.server.socket.path, F_OK) != 0)
  }
}

extension String {
  /// How often `part` stands in it.
  fileprivate func components(_ part: String) -> Int { ranges(of: part).count }
}

extension Bench {
  /// Turns until the condition holds; whether it did within so many nanoseconds.
  fileprivate func turns(until condition: () -> Bool, for nanoseconds: UInt64) -> Bool {
    let end = EventLoop.clock() + nanoseconds
    while !condition() {
      if EventLoop.clock() > end { return false }
      loop.turn(atMost: 1_000_000)
    }
    return true
  }
}
