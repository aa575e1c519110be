import CLinux
import Glibc
import Switchboard
import Testing

@testable import Supervision

@Suite struct ControlHTTP {
  private let get = "GET /v1/a?b=c%20d&e HTTP/1.1\r\nHost: x\r\n\r\n"

  @Test func answersWithJSONAndKeepsTheConnection() throws {
    let bench = try ControlBench()
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
    let bench = try ControlBench()
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
    let bench = try ControlBench { listener in
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
    let bench = try ControlBench()
    let client = try bench.client()
    client.send("POST /v1/a HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
    #expect(!bench.turns(until: { !bench.seen.requests.isEmpty }, for: 50_000_000))
    client.send("def")
    #expect(bench.turns { !bench.seen.requests.isEmpty })
    #expect(bench.seen.requests[0].body == Array("abcdef".utf8))
  }

  @Test func expectationOfABodyIsMet() throws {
    let bench = try ControlBench()
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
    let bench = try ControlBench()
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
    let bench = try ControlBench()
    let client = try bench.client()
    client.send(request)
    #expect(
      bench.turns {
        client.read(); return client.text.contains("}")
      })
    #expect(client.text.contains("\"error\" : \"\(sentence)\""), "\(client.text)")
  }

  @Test func answerMayComeLaterAndToNobody() throws {
    let bench = try ControlBench()
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
    let bench = try ControlBench()
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
    let bench = try ControlBench(patience: 50_000_000)
    let client = try bench.client()
    client.send("GET /v1/a HT")
    #expect(
      bench.turns {
        client.read(); return client.hasEnded
      })
    #expect(bench.server.connections.isEmpty)
  }

  @Test func requestThatComesInPiecesIsGivenUp() throws {
    let bench = try ControlBench(patience: 50_000_000)
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
    let bench = try ControlBench()
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
