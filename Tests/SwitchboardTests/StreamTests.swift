import Glibc
import ProcessProtocol
import Testing

@testable import Switchboard

/// The streams that error pages listen to.
@Suite(.serialized) struct StreamTests {
  private let asking = get("/.nacre/events", "Accept: text/event-stream\r\n")

  private func failure(_ name: String) -> FailureAnswer {
    FailureAnswer(name: name, page: .init(html: [], formHTML: [], policy: ""), text: Array("broken\n".utf8))
  }

  private func bench(
    slots: Int = 64, unixSocket: Bool = false, _ adjust: @escaping (inout SwitchboardSettings) -> Void = { _ in }
  ) throws -> Bench {
    try Bench(slots: slots, unixSocket: unixSocket, developmentMode: true) {
      $0.maximumStreams = 4
      adjust(&$0)
    }
  }

  /// What a client has been told so far.
  private func told(_ client: Client) -> [String] {
    client.text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
  }

  @Test(arguments: [false, true]) func streamBeginsWithHowThingsStand(unixSocket: Bool) throws {
    let bench = try bench(unixSocket: unixSocket)
    bench.switchboard.answer = failure("a-1")
    let client = try bench.client(sending: asking)
    #expect(bench.until { told(client) == ["failed a-1"] })
    #expect(client.text.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
    #expect(client.text.contains("\r\nContent-Type: text/event-stream; charset=utf-8\r\n"))
    #expect(client.text.contains("\r\nCache-Control: no-store\r\n"))
    #expect(client.text.contains("\r\n\r\nretry: "))
    #expect(!client.isClosed)
  }

  @Test func everyChangeIsToldOnce() throws {
    let bench = try bench()
    bench.switchboard.answer = failure("a-1")
    let clients = try (0..<3).map { _ in try bench.client(sending: asking) }
    #expect(bench.until { clients.allSatisfy { told($0) == ["failed a-1"] } })
    bench.switchboard.isLoading = true
    #expect(bench.until { clients.allSatisfy { told($0).last == "loading" } })
    bench.switchboard.answer = failure("a-2")
    bench.settle()
    bench.switchboard.isLoading = false
    #expect(bench.until { clients.allSatisfy { told($0).last == "failed a-2" } })
    bench.switchboard.isLoading = true
    #expect(bench.until { clients.allSatisfy { told($0).last == "loading" } })
    try bench.startWorkers(1)
    bench.switchboard.isLoading = false
    #expect(bench.until { clients.allSatisfy { told($0).last == "good" } })
    bench.settle()
    for client in clients { #expect(told(client) == ["failed a-1", "loading", "failed a-2", "loading", "good"]) }
  }

  @Test func forgivenFailureIsTold() throws {
    let bench = try bench()
    try bench.startWorkers(1)
    bench.switchboard.answer = failure("a-1")
    let client = try bench.client(sending: asking)
    #expect(bench.until { told(client) == ["failed a-1"] })
    bench.switchboard.answer = nil
    #expect(bench.until { told(client) == ["failed a-1", "good"] })
  }

  @Test func streamIsNoRequestInFlight() throws {
    let bench = try bench()
    try bench.startWorkers(1)
    let client = try bench.client(sending: asking)
    #expect(bench.until { told(client) == ["good"] })
    #expect(bench.switchboard.inFlight == 0)
    #expect(bench.scoreboard.waiting == 0)
    var drained = 0
    bench.switchboard.onDrained = { drained += 1 }
    bench.switchboard.stopAccepting()
    #expect(bench.until { drained == 1 && client.isClosed })
  }

  @Test func streamThatWorkersGiveBackBegins() throws {
    let bench = try bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { worker.receiveAndClaim() })
    worker.fill()
    worker.respond("hello")
    worker.giveBack(.tooOld, carrying: Array(asking.utf8))
    #expect(bench.until { told(client) == ["good"] })
  }

  @Test func heartbeatsShowThatTheServerIsThere() throws {
    let bench = try bench { $0.heartbeat = 20_000_000 }
    let client = try bench.client(sending: asking)
    #expect(bench.until { client.text.components("\n:\n\n") > 3 })
    #expect(told(client) == ["loading"])
  }

  @Test func clientThatLeavesFreesItsSlot() throws {
    let bench = try bench()
    for _ in 0..<2 {
      let client = try bench.client(sending: asking)
      #expect(bench.until { bench.switchboard.streams.count == 1 && !told(client).isEmpty })
      client.endSending()
      #expect(bench.until { bench.switchboard.streams.isEmpty && client.isClosed })
    }
    #expect(bench.switchboard.freeSlots.count == 64)
  }

  @Test func clientThatTakesNothingIsDropped() throws {
    let bench = try bench(unixSocket: true) { $0.heartbeat = 100_000 }
    let client = try bench.client(sending: asking)
    #expect(bench.until { bench.switchboard.streams.count == 1 })
    #expect(bench.until { bench.switchboard.streams.isEmpty })
    #expect(client.isClosed)
  }

  @Test func clientThatTalksIsDropped() throws {
    let bench = try bench(unixSocket: true)
    let client = try bench.client(sending: asking)
    #expect(bench.until { bench.switchboard.streams.count == 1 })
    client.send([UInt8](repeating: 0x78, count: 100_000))
    #expect(bench.until { bench.switchboard.streams.isEmpty })
  }

  @Test func noMoreStreamsThanAllowed() throws {
    let bench = try bench()
    let clients = try (0..<5).map { _ in try bench.client(sending: asking) }
    #expect(bench.until { clients.count { $0.statuses == [503] && $0.isClosed } == 1 })
    #expect(bench.switchboard.streams.count == 4)
    let refused = try #require(clients.first { $0.isClosed })
    #expect(refused.responses[0].body.contains("Too many error pages are open."))
  }

  @Test func fullTableMakesRoomByEndingAStream() throws {
    let bench = try bench(slots: 2)
    try bench.startWorkers(1)
    let streams = try (0..<2).map { _ in try bench.client(sending: asking) }
    #expect(bench.until { streams.allSatisfy { told($0) == ["good"] } })
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { client.statuses == [200] })
    #expect(streams.count { $0.isClosed } == 1)
  }

  @Test func otherMethodsAndOtherPathsAreTheApplications() throws {
    let bench = try bench()
    try bench.startWorkers(1)
    let others = [get("/.nacre/event"), get("/.nacre/events/"), get("/x/.nacre/events")]
    for request in [post("/.nacre/events", "x")] + others {
      let client = try bench.client(sending: request)
      #expect(bench.until { client.statuses == [200] }, "\(request)")
    }
    let query = try bench.client(sending: get("/.nacre/events?x=1"))
    #expect(bench.until { told(query) == ["good"] })
  }

  @Test func withoutStreamsThePathIsTheApplications() throws {
    let bench = try Bench()
    try bench.startWorkers(1)
    let client = try bench.client(sending: asking)
    #expect(bench.until { client.statuses == [200] })
    #expect(client.responses[0].body == "1 GET /.nacre/events")
  }

  @Test func clientOfHTTP10GetsTheStream() throws {
    let bench = try bench()
    let client = try bench.client(sending: "GET /.nacre/events HTTP/1.0\r\n\r\n")
    #expect(bench.until { told(client) == ["loading"] })
  }
}

extension String {
  /// How often a text occurs, overlaps not counted.
  fileprivate func components(_ part: String) -> Int {
    var (count, rest) = (0, self[...])
    while let range = rest.firstRange(of: part) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}
