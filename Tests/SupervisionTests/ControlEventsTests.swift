import CLinux
import Glibc
import Switchboard
import Testing

@testable import Supervision

@Suite struct ControlEvents {
  private func follower(_ bench: ControlBench) throws -> ControlBench.Client {
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
    let bench = try ControlBench()
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
    let bench = try ControlBench()
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
    let bench = try ControlBench()
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
    let bench = try ControlBench()
    do { _ = try follower(bench) }
    #expect(bench.turns { bench.server.connections.isEmpty })
  }

  @Test func endOfTheServerEndsThem() throws {
    let bench = try ControlBench()
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
