import CLinux
import Glibc
import ProcessProtocol
import Testing

@testable import Switchboard

@Suite(.serialized) struct ConnectionLimitTests {
  /// A client whose request is on its way, so that its connection is not idle.
  private func busy(_ bench: Bench) throws -> Client {
    let before = bench.switchboard.inFlight
    let client = try bench.client(sending: "GET / HT")
    #expect(bench.until { bench.switchboard.inFlight == before + 1 })
    return client
  }

  @Test func connectionThatIsOneTooManyIsToldSo() throws {
    let bench = try Bench {
      $0.maximumConnections = 2
      $0.lingerTimeout = 30_000_000
    }
    let others = [try busy(bench), try busy(bench)]
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { client.isClosed })
    #expect(client.statuses == [503])
    #expect(client.responses[0].head.contains("Retry-After: 1"))
    #expect(client.responses[0].body == "There are too many connections. Try again in a moment.\n")
    #expect(bench.until { openConnections(bench) == 2 })
    #expect(!others[0].isClosed && !others[1].isClosed)
  }

  @Test func oneThatIsTurnedAwayTakesNobodysPlace() throws {
    let bench = try Bench { $0.maximumConnections = 2 }
    try bench.startWorkers(1)
    var others = [try busy(bench), try busy(bench)]
    // They stay until they have read their answer and closed.
    let turnedAway = try (0..<5).map { _ in try bench.client(sending: get("/")) }
    #expect(bench.until { turnedAway.allSatisfy { $0.statuses == [503] } })
    others.removeLast()
    #expect(bench.until { openConnections(bench) == 6 })
    let client = try bench.client(sending: get("/free"))
    #expect(bench.until { client.responses.map(\.body) == ["1 GET /free"] })
  }

  @Test func idleConnectionMakesRoom() throws {
    let bench = try Bench { $0.maximumConnections = 2 }
    try bench.startWorkers(1)
    let idle = try bench.client(sending: get("/"))
    #expect(bench.until { idle.statuses == [200] && bench.switchboard.inFlight == 0 })
    let other = try busy(bench)
    let client = try bench.client(sending: get("/new"))
    #expect(bench.until { client.responses.map(\.body) == ["1 GET /new"] })
    #expect(idle.isClosed && !other.isClosed)
  }

  @Test func connectionWhoseRequestHasJustComeIsNotIdle() throws {
    let bench = try Bench { $0.maximumConnections = 2 }
    // All of them are accepted in one turn, before any request is looked at.
    let clients = try (0..<3).map { _ in try bench.client(sending: get("/")) }
    #expect(bench.until { clients[2].statuses == [503] })
    try bench.startWorkers(1)
    #expect(bench.until { clients[0].statuses == [200] && clients[1].statuses == [200] })
  }

  @Test func whoFindsNoPlaceToBeToldWaitsForOne() throws {
    let bench = try Bench(slots: 3) { $0.maximumConnections = 2 }
    try bench.startWorkers(1)
    var others = [try busy(bench), try busy(bench)]
    let told = try bench.client(sending: get("/"))
    #expect(bench.until { told.statuses == [503] })
    let waiting = try bench.client(sending: get("/later"))
    bench.settle()
    #expect(waiting.text.isEmpty)
    others = []
    #expect(bench.until { waiting.responses.map(\.body) == ["1 GET /later"] })
    #expect(others.isEmpty)
  }

  @Test func fullQueueIsTold() throws {
    let bench = try Bench { $0.maximumWaiting = 3 }
    let waiting = try (0..<3).map { _ in try bench.client(sending: get("/")) }
    #expect(bench.until { bench.scoreboard.waiting == 3 })
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { client.statuses == [503] })
    #expect(client.responses[0].body == "Too many requests are waiting. Try again in a moment.\n")
    try bench.startWorkers(1)
    #expect(bench.until { waiting.allSatisfy { $0.statuses == [200] } })
  }

  @Test func clientThatTakesNothingIsLeft() throws {
    let bench = try Bench { $0.sendTimeout = 30_000_000 }
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.connect(receiveBuffer: 16 * 1024)
    client.send(get("/big"))
    #expect(bench.until { worker.receiveAndClaim() })
    worker.fill()
    let length = 16 << 20
    let file = memoryFile(length)
    let head = Array("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n".utf8)
    send(worker.fd, head, head.count, 0)
    worker.giveBack(.keep, rest: (file, 0, UInt64(length)))
    #expect(bench.until { openConnections(bench) == 0 })
    #expect(bench.until { client.isClosed })
    #expect(client.received.count < length)
  }

  @Test func socketHasRoomAgainBeforeTheNextRequestIsLent() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.connect(receiveBuffer: 16 * 1024)
    client.send(get("/big"))
    #expect(bench.until { worker.receiveAndClaim() })
    worker.fill()
    let length = 16 << 20
    let head = Array("HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n".utf8)
    send(worker.fd, head, head.count, 0)
    worker.giveBack(.keep, carrying: Array(get("/next").utf8), rest: (memoryFile(length), 0, UInt64(length)))
    #expect(
      bench.until {
        client.read(atMost: 30_000)
        return worker.receiveAndClaim()
      })
    var socket = pollfd(fd: worker.fd, events: Int16(POLLOUT), revents: 0)
    #expect(poll(&socket, 1, 0) == 1)
  }

  /// A file of so many zeros.
  private func memoryFile(_ length: Int) -> Int32 {
    let file = cl_memfd("drained")
    #expect(ftruncate(file, off_t(length)) == 0)
    return file
  }
}
