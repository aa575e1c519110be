import CLinux
import Glibc
import ProcessProtocol
import Testing

@testable import Switchboard

@Suite(.serialized) struct LendingTests {
  private let failure = FailureAnswer(
    name: "a-1",
    page: .init(
      html: Array("<h1>broken</h1>".utf8), formHTML: Array("<h1>broken form</h1>".utf8), policy: "default-src 'none'"),
    text: Array("broken\n".utf8))

  @Test func noMoreThanTwiceTheWorkersAreLent() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let clients = try (0..<5).map { try bench.client(sending: get("/\($0)")) }
    #expect(bench.until { bench.scoreboard.waiting == 5 })
    bench.settle()
    #expect(bench.switchboard.lent.count == 2)
    // Claiming is not told; the return is, and then there is room for two more.
    #expect(worker.receiveAndClaim())
    worker.giveBack(.close)
    #expect(bench.until { bench.switchboard.lent.count == 2 })
    #expect(bench.scoreboard.waiting == 4)
    #expect(bench.until { clients[0].isClosed })
  }

  @Test func queueThatTakesNothingIsNamedOnceAndTriedAgain() throws {
    let bench = try Bench()
    try bench.startWorkers(1, serving: false)
    let queue = try #require(bench.switchboard.queue)
    shutdown(queue.receivingEnd, Int32(SHUT_RD))
    _ = try bench.client(sending: get("/"))
    let sentence = "cannot lend a connection: Broken pipe; trying again"
    #expect(bench.until { bench.reports == [sentence] }, "\(bench.reports)")
    bench.settle()
    #expect(bench.reports == [sentence])
    // Another queue takes what waits.
    try bench.startWorkers(1)
  }

  @Test func requestBeyondTheBoundIsAnswered503() throws {
    let bench = try Bench { $0.maximumWaiting = 2 }
    let clients = try (0..<3).map {
      let client = try bench.client(sending: get("/\($0)"))
      bench.settle()
      return client
    }
    #expect(bench.until { clients[2].isClosed })
    #expect(clients[2].statuses == [503])
    #expect(clients[2].responses[0].body.contains("Too many requests are waiting."))
    #expect(clients[2].responses[0].head.contains("Retry-After: "))
    #expect(bench.scoreboard.waiting == 2)
    try bench.startWorkers(1)
    #expect(bench.until { clients[0].statuses == [200] && clients[1].statuses == [200] })
  }

  @Test func heldRequestsAreLentAfterResume() throws {
    let bench = try Bench(developmentMode: true)
    try bench.startWorkers(1)
    bench.mayLend = false
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { bench.asked == 1 })
    bench.settle()
    #expect(client.responses.isEmpty)
    #expect(bench.asked == 1)
    bench.mayLend = true
    bench.switchboard.resume()
    #expect(bench.until { client.statuses == [200] })
    #expect(bench.scoreboard.waiting == 0)
  }

  @Test func productionModeDoesNotAsk() throws {
    let bench = try Bench()
    try bench.startWorkers(1)
    bench.mayLend = false
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { client.statuses == [200] })
    #expect(bench.asked == 0)
  }

  @Test func connectionsThatAreReadyTogetherAreAskedForOnce() throws {
    let bench = try Bench(developmentMode: true)
    try bench.startWorkers(2)
    let clients = try (0..<3).map { _ in try bench.connect() }
    #expect(bench.until { openConnections(bench) == 3 })
    for client in clients { client.send(get("/")) }
    bench.loop.turn()
    #expect(bench.asked == 1)
    #expect(bench.until { clients.allSatisfy { $0.statuses == [200] } })
  }

  @Test func requestIsHeldNoLongerThanTheBound() throws {
    let bench = try Bench(developmentMode: true) { $0.hold = 50_000_000 }
    bench.mayLend = false
    try bench.startWorkers(1)
    let client = try bench.client(sending: "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    let other = try bench.client(sending: get("/"))
    #expect(bench.until { client.isClosed && other.isClosed })
    #expect(client.text.hasPrefix("HTTP/1.1 503 "))
    #expect(client.text.hasSuffix("\r\n\r\n"))
    #expect(other.statuses == [503])
    #expect(other.responses[0].head.contains("Retry-After: "))
    #expect(other.responses[0].body.contains("still loading"))
    #expect(bench.scoreboard.waiting == 0)
  }

  @Test func requestsWaitForTheFirstGeneration() throws {
    let bench = try Bench(developmentMode: true)
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { bench.scoreboard.waiting == 1 })
    #expect(client.text.isEmpty)
    try bench.startWorkers(1)
    #expect(bench.until { client.statuses == [200] })
  }

  @Test func promoteTakesBackWhatNobodyHasClaimed() throws {
    let bench = try Bench()
    let old = try bench.startWorkers(2, serving: false)
    let clients = try (0..<6).map { try bench.client(sending: get("/\($0)")) }
    #expect(bench.until { bench.switchboard.lent.count == 4 && bench.scoreboard.waiting == 6 })
    // One is in a worker's hand, one has been received and not claimed, two lie in the queue, two in the line.
    #expect(old[0].receiveAndClaim())
    #expect(old[1].receive())
    try bench.startWorkers(1, generation: 2)
    #expect(bench.scoreboard.publishedGeneration == 2)
    #expect(!old[1].claim())
    #expect(!old[1].receive())
    #expect(old[1].queueHasEnded)
    old[0].fill()
    old[0].respond("old")
    old[0].giveBack(.keep)
    #expect(bench.until { clients.allSatisfy { $0.responses.count == 1 } })
    #expect(clients.map { $0.responses[0].body } == ["old"] + (1...5).map { "2 GET /\($0)" })
    #expect(bench.scoreboard.waiting == 0)
  }

  @Test func keptConnectionGoesToTheNewGeneration() throws {
    let bench = try Bench()
    let old = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/a"))
    #expect(bench.until { old.receiveAndClaim() })
    old.fill()
    old.respond("old")
    try bench.startWorkers(1, generation: 2)
    old.giveBack(.tooOld, carrying: Array(get("/b").utf8))
    #expect(bench.until { client.responses.map(\.body) == ["old", "2 GET /b"] })
  }

  @Test func whatWasTooOldIsServedFirst() throws {
    let bench = try Bench()
    let old = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/a"))
    #expect(bench.until { old.receiveAndClaim() })
    old.fill()
    old.respond("old")
    let (queue, workers) = try bench.makeWorkers(1, generation: 2, serving: false)
    bench.switchboard.promote(queue, generation: 2, workers: 0)
    let others = try (0..<3).map { try bench.client(sending: get("/other\($0)")) }
    #expect(bench.until { bench.scoreboard.waiting == 3 })
    old.giveBack(.tooOld, carrying: Array(get("/b").utf8))
    bench.switchboard.setWorkers(1)
    #expect(bench.until { workers[0].receiveAndClaim() })
    #expect(workers[0].buffered == Array(get("/b").utf8))
    #expect(!client.isClosed && others.allSatisfy { !$0.isClosed })
  }

  @Test func failureAnswersEveryRequest() throws {
    let bench = try Bench(developmentMode: true) { $0.lingerTimeout = 50_000_000 }
    let early = try bench.client(sending: get("/", "Accept: text/html,*/*;q=0.8\r\n"))
    #expect(bench.until { bench.scoreboard.waiting == 1 })
    bench.switchboard.answer = failure
    let curl = try bench.client(sending: get("/", "User-Agent: curl/8\r\nAccept: */*\r\n"))
    let script = try bench.client(sending: get("/", "User-Agent: Mozilla/5.0\r\nAccept: */*\r\n"))
    let form = try bench.client(sending: post("/", "abc", "Accept: text/html,*/*;q=0.8\r\n"))
    let old = try bench.client(sending: "GET / HTTP/1.0\r\nAccept: text/html\r\n\r\n")
    let head = try bench.client(sending: "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n")
    let upload = try bench.client(sending: "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
    let all = [early, curl, script, form, old, head, upload]
    #expect(bench.until { all.allSatisfy { $0.isClosed } })
    #expect([early, curl, script, form, old, upload].allSatisfy { $0.statuses == [500] })
    #expect(early.responses[0].body == "<h1>broken</h1>")
    #expect(curl.responses[0].body == "broken\n")
    #expect(early.responses[0].head.contains("\r\nContent-Security-Policy: default-src 'none'\r\n"))
    #expect(early.responses[0].head.contains("\r\nCache-Control: no-store\r\n"))
    #expect(early.responses[0].head.contains(" GMT\r\n"))
    #expect(script.responses[0].body == "broken\n")
    #expect(form.responses[0].body == "<h1>broken form</h1>")
    #expect(old.responses[0].body == "<h1>broken</h1>")
    #expect(upload.responses[0].body == "broken\n")
    #expect(head.text.hasPrefix("HTTP/1.1 500 ") && head.text.hasSuffix("\r\n\r\n"))
    #expect(bench.scoreboard.waiting == 0)
    #expect(bench.until { bench.switchboard.inFlight == 0 })
  }

  @Test func failureIsNotToldBeforeTheDelegateAllows() throws {
    let bench = try Bench(developmentMode: true)
    bench.switchboard.answer = failure
    bench.mayLend = false
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { bench.asked == 1 })
    bench.settle()
    #expect(client.text.isEmpty)
    bench.mayLend = true
    try bench.startWorkers(1)
    #expect(bench.until { client.statuses == [200] })
  }

  @Test func everyConnectionIsServedAboutEqually() throws {
    let bench = try Bench()
    try bench.startWorkers(2)
    let clients = try (0..<16).map { _ in try bench.client(sending: get("/")) }
    var asked = [Int](repeating: 1, count: 16)
    let size = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n1 GET /".utf8.count
    #expect(
      bench.until {
        for client in clients { client.read() }
        for (index, client) in clients.enumerated() where client.received.count == asked[index] * size {
          client.send(get("/"))
          asked[index] += 1
        }
        return asked.reduce(0, +) > 1600
      })
    #expect(asked.min()! > 80 && asked.max()! < 120)
  }
}
