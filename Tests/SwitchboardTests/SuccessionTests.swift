import CLinux
import Glibc
import ProcessProtocol
import Testing

@testable import Switchboard

@Suite(.serialized) struct SuccessionTests {
  /// Passes everything on from one switchboard to the other, as it would go through a message.
  private func pass(_ connection: PassedConnection, to other: Bench) -> PassingResult {
    let copy = fcntl(connection.descriptor, F_DUPFD_CLOEXEC, 0)
    let bytes = connection.encoded
    let passed = bytes.withUnsafeBytes { memory in
      var reader = WireReader(memory)
      return try? PassedConnection(descriptor: copy, from: &reader)
    }
    guard let passed else { return .never }
    other.switchboard.takeIn(passed)
    return .passed
  }

  @Test func nothingIsAcceptedOrLentWhileTheNextServerIsAwaited() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let idle = try bench.connect()
    #expect(bench.until { openConnections(bench) == 1 })
    bench.switchboard.awaitSuccessor()
    idle.send(get("/"))
    let late = try bench.client(sending: get("/late"))
    bench.settle()
    #expect(!worker.receive())
    #expect(openConnections(bench) == 1)
    // A worker that has a connection gives it back before the next request.
    #expect(bench.scoreboard.publishedGeneration != worker.generation)
    bench.switchboard.goOnAlone()
    #expect(bench.scoreboard.publishedGeneration == worker.generation)
    try worker.serve()
    #expect(bench.until { idle.statuses == [200] && late.statuses == [200] })
  }

  @Test func whatWasLentAndNotBegunIsTakenBack() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { worker.receive() })
    bench.switchboard.awaitSuccessor()
    #expect(!worker.claim())
    let next = try Bench()
    try next.startWorkers(1)
    bench.switchboard.passOn { pass($0, to: next) }
    bench.settle()
    #expect(next.until { client.statuses == [200] })
    #expect(bench.switchboard.inFlight == 0)
  }

  @Test func idleHalfAndCarriedConnectionsArePassedOnAndKeepWhatTheyHave() throws {
    let (bench, next) = (try Bench(), try Bench())
    let worker = try bench.startWorkers(1, serving: false)[0]
    try next.startWorkers(1, generation: 9)
    let (idle, half) = (try bench.connect(), try bench.client(sending: "GET /half HTTP/1.1\r\nHo"))
    let busy = try bench.client(sending: get("/busy") + get("/behind"))
    #expect(bench.until { worker.receiveAndClaim() && openConnections(bench) == 3 })
    bench.switchboard.awaitSuccessor()
    var drained = 0
    bench.switchboard.onDrained = { drained += 1 }
    bench.switchboard.passOn { pass($0, to: next) }
    #expect(bench.until { openConnections(next) == 2 })
    #expect(drained == 0)
    worker.fill()
    worker.respond("mine")
    // It gives back what it has read of the next request.
    worker.giveBack(.tooOld, carrying: Array(get("/behind").utf8))
    #expect(bench.until { drained == 1 })
    #expect(next.until { busy.responses.map(\.body) == ["mine", "9 GET /behind"] })
    half.send("st: test\r\n\r\n")
    idle.send(get("/idle"))
    #expect(next.until { half.responses.map(\.body) == ["9 GET /half"] })
    #expect(next.until { idle.responses.map(\.body) == ["9 GET /idle"] })
  }

  @Test func connectionsForWhichThereIsNoRoomAreTriedAgain() throws {
    let (bench, next) = (try Bench(), try Bench())
    try bench.startWorkers(1)
    try next.startWorkers(1)
    let clients = try (0..<10).map { _ in try bench.connect() }
    #expect(bench.until { openConnections(bench) == 10 })
    var refusals = 25
    bench.switchboard.passOn {
      refusals -= 1
      return refusals > 0 && refusals % 3 != 0 ? .later : pass($0, to: next)
    }
    #expect(bench.until { openConnections(next) == 10 })
    for client in clients { client.send(get("/")) }
    #expect(next.until { clients.allSatisfy { $0.statuses == [200] } })
  }

  @Test func requestOnAnIdleConnectionGoesBeforeTheOtherIdleOnes() throws {
    let (bench, next) = (try Bench(), try Bench())
    try bench.startWorkers(1)
    try next.startWorkers(1)
    let clients = try (0..<10).map { _ in try bench.connect() }
    #expect(bench.until { openConnections(bench) == 10 })
    var (isOpen, passed) = (true, 0)
    bench.switchboard.passOn {
      guard isOpen else { return .later }
      isOpen = false
      passed += 1
      return pass($0, to: next)
    }
    bench.settle()
    #expect(passed == 1)
    clients[9].send(get("/"))
    bench.settle()
    // At most the one that is at the door goes first.
    for _ in 0..<2 {
      isOpen = true
      #expect(bench.until { !isOpen })
    }
    #expect(next.until { clients[9].statuses == [200] })
    #expect(passed == 3)
  }

  @Test func connectionsThatNobodyTakesAreClosed() throws {
    let bench = try Bench()
    try bench.startWorkers(1)
    let client = try bench.connect()
    #expect(bench.until { openConnections(bench) == 1 })
    var drained = 0
    bench.switchboard.onDrained = { drained += 1 }
    bench.switchboard.passOn { _ in .never }
    #expect(bench.until { drained == 1 })
    #expect(client.isClosed)
  }
}
