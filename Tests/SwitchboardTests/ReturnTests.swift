import CLinux
import Glibc
import ProcessProtocol
import Testing

@testable import Switchboard

@Suite(.serialized) struct ReturnTests {
  @Test(arguments: [false, true]) func pipelinedRequestsAreServedInOrder(unixSocket: Bool) throws {
    let bench = try Bench(unixSocket: unixSocket)
    try bench.startWorkers(2)
    let paths = (0..<100).map { "/\($0)" }
    let client = try bench.client(sending: paths.map { get($0) }.joined())
    let other = try bench.client(sending: paths.map { get($0) }.joined())
    #expect(bench.until { client.responses.count == 100 && other.responses.count == 100 })
    #expect(client.responses.map(\.body) == paths.map { "1 GET \($0)" })
    #expect(other.responses.map(\.body) == paths.map { "1 GET \($0)" })
  }

  @Test func carriedPartOfAHeadIsCompletedFromTheSocket() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/a") + "GET /b HT")
    #expect(bench.until { worker.receiveAndClaim() })
    worker.fill()
    worker.respond("a")
    worker.giveBack(.keep, carrying: Array("GET /b HT".utf8))
    bench.settle()
    #expect(!worker.receive())
    client.send("TP/1.1\r\nHost: x\r\n\r\n")
    #expect(bench.until { worker.receiveAndClaim() })
    #expect(worker.buffered == Array("GET /b HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
  }

  @Test func carriedPartOfABodyIsCompletedFromTheSocket() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let head = "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n"
    let client = try bench.client(sending: get("/a") + head + "abc")
    #expect(bench.until { worker.receiveAndClaim() })
    worker.fill()
    worker.respond("a")
    worker.giveBack(.keep, carrying: Array((head + "abc").utf8))
    bench.settle()
    client.send("def" + get("/c"))
    #expect(bench.until { worker.receiveAndClaim() })
    #expect(worker.buffered == Array(head.utf8))
    #expect(content(worker.body) == Array("abcdef".utf8))
  }

  @Test func carriedBytesNeverExceedWhatALoanTakes() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let head = "POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    let client = try bench.client(sending: head + "1\r\nx\r\n0\r\n\r\n" + String(repeating: get("/"), count: 5000))
    #expect(bench.until { worker.receiveAndClaim() })
    #expect(worker.buffered.count <= Loan.maximumCarried)
    #expect(worker.buffered.starts(with: Array((head + get("/")).utf8)))
    #expect(!client.isClosed)
  }

  @Test func restOfAResponseIsSentToASlowReader() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.connect(receiveBuffer: 16 * 1024)
    client.send(get("/big"))
    #expect(bench.until { worker.receiveAndClaim() })
    worker.fill()
    let rest = (0..<4_000_000).map { UInt8(ascii: "a") + UInt8($0 % 26) }
    let file = cl_memfd("rest")
    for offset in stride(from: 0, to: rest.count, by: 1 << 20) {
      let part = Array(rest[offset..<min(offset + 1 << 20, rest.count)])
      #expect(write(file, part, part.count) == part.count)
    }
    let head = Array("HTTP/1.1 200 OK\r\nContent-Length: \(rest.count - 10)\r\n\r\n".utf8)
    send(worker.fd, head, head.count, 0)
    worker.giveBack(.keep, carrying: Array(get("/next").utf8), rest: (file, 10, UInt64(rest.count - 10)))
    #expect(
      bench.until {
        client.read(atMost: 30_000)
        return client.received.count >= head.count + rest.count - 10
      })
    #expect(client.received == head + rest[10...])
    // What was carried is served after that.
    #expect(bench.until { worker.receiveAndClaim() })
    #expect(worker.buffered == Array(get("/next").utf8))
    #expect(openFiles { $0.contains("memfd:rest") } == 0)
  }

  @Test func readerThatTakesNothingIsClosed() throws {
    let bench = try Bench { $0.sendTimeout = 50_000_000 }
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.connect(receiveBuffer: 4096)
    client.send(get("/big"))
    #expect(bench.until { worker.receiveAndClaim() })
    let file = cl_memfd("rest")
    ftruncate(file, 50_000_000)
    worker.giveBack(.close, rest: (file, 0, 50_000_000))
    #expect(bench.until { openConnections(bench) == 0 })
    #expect(openFiles { $0.contains("memfd:rest") } == 0)
  }

  @Test func closedConnectionIsClosedAfterTheRest() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { worker.receiveAndClaim() })
    worker.fill()
    let file = cl_memfd("rest")
    #expect(write(file, "0123456789", 10) == 10)
    worker.giveBack(.close, rest: (file, 5, 5))
    #expect(bench.until { client.isClosed })
    #expect(client.text == "56789")
  }

  @Test func connectionWithoutItsDescriptorIsLentAgain() throws {
    let bench = try Bench()
    let workers = try bench.startWorkers(2, serving: false)
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { workers[0].receive() })
    workers[0].giveBack(.truncated)
    #expect(bench.until { workers[1].receiveAndClaim() })
    workers[1].respond("again")
    workers[1].giveBack(.keep)
    #expect(bench.until { client.responses.map(\.body) == ["again"] })
    #expect(bench.scoreboard.waiting == 0)
    #expect(bench.reports.count == 1)
  }

  @Test func connectionThatNoWorkerCanTakeIsAnswered() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/"))
    #expect(
      bench.until {
        if worker.receive() { worker.giveBack(.truncated) }
        return client.isClosed
      })
    #expect(client.statuses == [503])
    #expect(client.responses[0].body.contains("No worker could take the request."))
    #expect(bench.scoreboard.waiting == 0)
  }

  @Test func returnOfWhatIsNotOwnedChangesNothing() throws {
    let bench = try Bench()
    let workers = try bench.startWorkers(2, serving: false)
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { workers[0].receiveAndClaim() })
    let loan = try #require(workers[0].loan)
    workers[1].give(Return(outcome: .close, slot: loan.slot, word: loan.word))
    workers[1].give(Return(outcome: .close, slot: loan.slot, word: loan.word.owned(by: UInt16(workers[1].cell + 1))))
    workers[1].give(Return(outcome: .close, slot: loan.slot, word: loan.word.owned(by: UInt16(workers[0].cell + 1))))
    workers[1].give(Return(outcome: .truncated, slot: loan.slot, word: loan.word))
    workers[1].give(Return(outcome: .close, slot: 9999, word: loan.word))
    [UInt8]([Return.tag, 7]).withUnsafeBytes { bench.switchboard.handleReturn($0, fds: [], from: workers[1].cell) }
    bench.settle()
    workers[0].respond("fine")
    workers[0].giveBack(.keep)
    #expect(bench.until { client.responses.map(\.body) == ["fine"] })
  }

  @Test func clientSeesTheEndAlthoughACopyIsOpen() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { worker.receiveAndClaim() })
    worker.fill()
    let copy = dup(worker.fd)
    defer { close(copy) }
    worker.respond("done")
    worker.giveBack(.close)
    #expect(bench.until { client.isClosed })
    #expect(client.responses.map(\.body) == ["done"])
  }

  @Test func unreadBytesDoNotResetTheLastResponse() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/") + "more")
    #expect(bench.until { worker.receiveAndClaim() })
    worker.respond("the last")
    worker.giveBack(.close)
    #expect(bench.until { client.isClosed })
    #expect(client.responses.map(\.body) == ["the last"])
  }
}
