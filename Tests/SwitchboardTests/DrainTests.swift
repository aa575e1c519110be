import CLinux
import Glibc
import ProcessProtocol
import Testing

@testable import Switchboard

@Suite(.serialized) struct DrainTests {
  @Test func requestInFlightIsServedBeforeAllIsDrained() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    var drained = 0
    bench.switchboard.onDrained = { drained += 1 }
    let idle = try bench.connect()
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { worker.receiveAndClaim() })
    bench.switchboard.stopAccepting()
    bench.switchboard.closeIdle()
    #expect(bench.until { idle.isClosed })
    let late = try bench.connect()
    bench.settle()
    #expect(drained == 0)
    #expect(bench.switchboard.inFlight == 1)
    worker.fill()
    worker.respond("still")
    worker.giveBack(.keep)
    #expect(bench.until { drained == 1 })
    #expect(bench.until { client.isClosed })
    #expect(client.responses.map(\.body) == ["still"])
    #expect(!late.isClosed)
  }

  @Test func nothingInFlightIsDrainedAtOnce() throws {
    let bench = try Bench()
    var drained = 0
    bench.switchboard.onDrained = { drained += 1 }
    bench.switchboard.stopAccepting()
    #expect(bench.until { drained == 1 })
  }

  @Test func fullTableMakesRoomByClosingTheLongestIdle() throws {
    let bench = try Bench(slots: 2)
    try bench.startWorkers(1)
    let first = try bench.connect()
    #expect(bench.until { openConnections(bench) == 1 })
    let second = try bench.connect()
    #expect(bench.until { openConnections(bench) == 2 })
    let third = try bench.client(sending: get("/"))
    #expect(bench.until { third.statuses == [200] })
    #expect(bench.until { first.isClosed })
    #expect(!second.isClosed)
  }

  @Test func fullTableOfBusyConnectionsLetsOthersWait() throws {
    let bench = try Bench(slots: 1)
    let worker = try bench.startWorkers(1, serving: false)[0]
    let first = try bench.client(sending: get("/1"))
    #expect(bench.until { worker.receiveAndClaim() })
    let second = try bench.client(sending: get("/2"))
    bench.settle()
    worker.fill()
    worker.respond("1")
    worker.giveBack(.close)
    #expect(bench.until { worker.receiveAndClaim() })
    worker.respond("2")
    #expect(bench.until { first.responses.count == 1 && second.responses.count == 1 })
  }

  @Test func acceptingGoesOnAfterDescriptorsRanOut() throws {
    let bench = try Bench()
    try bench.startWorkers(1)
    bench.switchboard.rest(EMFILE)
    bench.switchboard.rest(EMFILE)
    #expect(bench.reports == ["cannot accept connections for the moment: Too many open files"])
    let client = try bench.client(sending: get("/"))
    bench.loop.turn(atMost: 0)
    #expect(openConnections(bench) == 0)
    #expect(bench.until { client.statuses == [200] })
  }

  @Test func noDescriptorLeaksOverTenThousandConnections() throws {
    let bench = try Bench(slots: 128)
    try bench.startWorkers(2)
    let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    let unfinished = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nx"
    for _ in 0..<200 {
      let answered = try (0..<10).flatMap { _ in
        try [get("/"), "nonsense\r\n\r\n", chunked].map { try bench.client(sending: $0) }
      }
      let others = try (0..<10).flatMap { _ in try ["GET / HT", unfinished].map { try bench.client(sending: $0) } }
      #expect(bench.until { answered.allSatisfy { !$0.responses.isEmpty } })
      #expect(others.allSatisfy { $0.responses.isEmpty })
    }
    #expect(bench.until { openConnections(bench) == 0 })
    // The listening socket is the only one left.
    #expect((0..<4096).count { localPort($0) == bench.port } == 1)
    #expect(openFiles { $0.contains("memfd:nacre-body") } == 0)
    #expect(bench.scoreboard.waiting == 0)
    #expect(bench.reports.isEmpty)
  }

  private func localPort(_ fd: Int32) -> UInt16? {
    var (address, size) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
    let result = withUnsafeMutableBytes(of: &address) {
      getsockname(fd, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &size)
    }
    return result == 0 && Int32(address.sin_family) == AF_INET ? UInt16(bigEndian: address.sin_port) : nil
  }
}
