import CLinux
import Glibc
import ProcessProtocol
import Testing

@testable import Switchboard

@Suite(.serialized) struct WorkerEndTests {
  @Test func requestOfADeadWorkerIsAnswered502() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { worker.receiveAndClaim() })
    worker.fill()
    worker.die(in: .inRequest)
    #expect(bench.until { client.isClosed })
    #expect(client.statuses == [502])
    #expect(client.responses[0].body.contains("The worker that ran this request has ended without an answer."))
    #expect(bench.scoreboard.waiting == 0)
  }

  @Test func begunResponseIsCutOff() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { worker.receiveAndClaim() })
    worker.fill()
    send(worker.fd, "HTTP/1.1 2", 10, 0)
    worker.die(in: .responding)
    #expect(bench.until { client.isClosed })
    #expect(client.text == "HTTP/1.1 2")
  }

  @Test func connectionBetweenRequestsGoesOn() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/a"))
    #expect(bench.until { worker.receiveAndClaim() })
    worker.fill()
    worker.respond("a")
    worker.die(in: .betweenRequests)
    try bench.startWorkers(1, generation: 2)
    client.send(get("/b"))
    #expect(bench.until { client.responses.map(\.body) == ["a", "2 GET /b"] })
  }

  @Test func connectionClaimedAndNotReadIsLentAgain() throws {
    let bench = try Bench()
    let workers = try bench.startWorkers(2, serving: false)
    let client = try bench.client(sending: "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    #expect(bench.until { workers[0].receiveAndClaim() })
    workers[0].die(in: .idle)
    #expect(bench.scoreboard.waiting == 1)
    try workers[1].serve()
    #expect(bench.until { client.responses.map(\.body) == ["1 POST / 0 spooled"] })
    #expect(bench.scoreboard.waiting == 0)
  }

  @Test func unclaimedLoansGoToTheOthers() throws {
    let bench = try Bench()
    let workers = try bench.startWorkers(2, serving: false)
    let clients = try (0..<4).map { try bench.client(sending: get("/\($0)")) }
    #expect(bench.until { bench.switchboard.lent.count == 4 })
    // One dies between receiving and claiming.
    #expect(workers[0].receive())
    workers[0].die(in: .idle)
    bench.switchboard.setWorkers(1)
    try workers[1].serve()
    #expect(bench.until { clients.allSatisfy { $0.responses.count == 1 } })
    #expect(clients.map { $0.responses[0].body } == (0..<4).map { "1 GET /\($0)" })
    #expect(workers[1].served.count == 4)
    #expect(workers[1].refusedClaims >= 3)
    #expect(bench.scoreboard.waiting == 0)
  }

  @Test func countOfTheWaitingIsRightAfterADeathInBetween() throws {
    let bench = try Bench()
    let workers = try bench.startWorkers(2, serving: false)
    let clients = try (0..<2).map { try bench.client(sending: get("/\($0)")) }
    #expect(bench.until { workers[0].receiveAndClaim() })
    // As if it had died before it counted the connection out.
    bench.scoreboard.addWaiting(1)
    workers[0].die(in: .inRequest)
    #expect(bench.scoreboard.waiting == 1)
    // As if another had been between claiming and counting at that moment.
    bench.scoreboard.addWaiting(-1)
    try workers[1].serve()
    let third = try bench.client(sending: get("/3"))
    #expect(bench.until { clients[1].responses.count == 1 && third.responses.count == 1 })
    #expect(bench.until { bench.scoreboard.waiting == 0 })
  }
}
