import CLinux
import Glibc
import ProcessProtocol
import Testing

@testable import Switchboard

@Suite(.serialized) struct BodyTests {
  @Test func shortBodyIsLentInTheSocket() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: post("/", "hello"))
    #expect(bench.until { worker.receive() })
    #expect(try #require(worker.loan).hasBody == false)
    #expect(worker.buffered.isEmpty)
    #expect(!client.isClosed)
  }

  /// A body that TCP can keep until it is whole, longer than what is looked at in one go.
  @Test func bodyThatComesLaterStaysInTheSocket() throws {
    let bench = try Bench { $0.spoolDirectory = "/nonexistent" }
    let worker = try bench.startWorkers(1, serving: false)[0]
    let body = String(repeating: "0123456789", count: 20_000)
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
    let client = try bench.client(sending: head)
    var (rest, looks) = (Array((body + get("/next")).utf8)[...], 0)
    #expect(
      bench.until {
        if !rest.isEmpty { rest = rest.dropFirst(max(0, client.send(Array(rest.prefix(30_000))))) }
        looks += 1
        return worker.receiveAndClaim()
      })
    #expect(looks > 6, "it was lent before it was whole")
    #expect(try #require(worker.loan).hasBody == false)
    #expect(worker.buffered.isEmpty)
  }

  @Test func slowBodyThatMovesIsWaitedFor() throws {
    let bench = try Bench { $0.bodyTimeout = 60_000_000 }
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n")
    let began = bench.loop.now
    for byte in "hello, world".utf8 {
      let sent = bench.loop.now
      client.send([byte])
      #expect(bench.until { bench.loop.now > sent + 20_000_000 })
    }
    #expect(bench.loop.now > began + 200_000_000)
    #expect(bench.until { worker.receive() })
    #expect(client.text.isEmpty)
  }

  @Test(arguments: [false, true]) func longBodyThatComesLaterIsCollected(isChunked: Bool) throws {
    let bench = try Bench()
    try bench.startWorkers(1)
    let body = String(repeating: "x", count: 300_000)
    let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 300000"
    let client = try bench.client(sending: "POST / HTTP/1.1\r\nHost: x\r\n\(framing)\r\n\r\n")
    var rest = Array((isChunked ? "493e0\r\n\(body)\r\n0\r\n\r\n" : body).utf8)[...]
    #expect(
      bench.until {
        if !rest.isEmpty { rest = rest.dropFirst(max(0, client.send(Array(rest.prefix(65_536))))) }
        return client.responses.map(\.body) == ["1 POST / 300000 spooled"]
      })
  }

  @Test func bodyThatComesLaterIsCollectedFromAUnixSocket() throws {
    let bench = try Bench(unixSocket: true)
    let worker = try bench.startWorkers(1, serving: false)[0]
    let head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
    let client = try bench.client(sending: head + "01234")
    bench.settle()
    #expect(!worker.receive())
    client.send("56789" + get("/next"))
    #expect(bench.until { worker.receiveAndClaim() })
    #expect(try #require(worker.loan).bodyLength == 10)
    #expect(content(worker.body) == Array("0123456789".utf8))
    #expect(worker.buffered == Array(head.utf8))
    worker.fill()
    #expect(worker.buffered == Array((head + get("/next")).utf8))
  }

  @Test func chunkedBodyIsDecodedAndWhatFollowsIsCarried() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    let client = try bench.client(sending: head + "5\r\nhello\r\n")
    for byte in "7\r\n, world\r\n0\r\nX: y\r\n\r".utf8 {
      client.send([byte])
      bench.loop.turn(atMost: 1_000_000)
      #expect(!worker.receive())
    }
    client.send("\n" + get("/next"))
    #expect(bench.until { worker.receiveAndClaim() })
    #expect(content(worker.body) == Array("hello, world".utf8))
    #expect(try #require(worker.loan).bodyLength == 12)
    #expect(worker.buffered == Array((head + get("/next")).utf8))
  }

  @Test func carriedRequestsAreServedAfterTheBody() throws {
    let bench = try Bench()
    try bench.startWorkers(1)
    let client = try bench.client(
      sending: "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        + post("/b", "12345") + "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
        + get("/d"))
    #expect(bench.until { client.responses.count == 4 })
    #expect(
      client.responses.map(\.body) == ["1 POST /a 3 spooled", "1 POST /b 5", "1 POST /c 1 spooled", "1 GET /d"])
  }

  @Test func refusedChunkIsAnswered() throws {
    let bench = try Bench()
    let client = try bench.client(
      sending: "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    #expect(bench.until { client.isClosed })
    #expect(client.statuses == [400])
  }

  @Test func longBodyIsSpooledToAFile() throws {
    let bench = try Bench { $0.spoolThreshold = 100_000 }
    let worker = try bench.startWorkers(1, serving: false)[0]
    let sent = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    let client = try bench.client(sending: "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: \(sent.count)\r\n\r\n")
    var offset = 0
    #expect(
      bench.until {
        if offset < sent.count { offset += max(0, client.send(Array(sent[offset..<min(offset + 65536, sent.count)]))) }
        return worker.receiveAndClaim()
      })
    #expect(try #require(worker.loan).bodyLength == UInt64(sent.count))
    #expect(target(worker.body).hasPrefix(bench.spoolDirectory))
    #expect(content(worker.body) == sent)
    worker.respond("ok")
    worker.giveBack(.keep)
    #expect(bench.until { client.statuses == [200] })
    #expect(openFiles { $0.hasPrefix(bench.spoolDirectory) } == 0)
  }

  @Test func clientThatExpectsItGetsContinue() throws {
    let bench = try Bench()
    try bench.startWorkers(1)
    let client = try bench.client(
      sending: "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    #expect(bench.until { client.text == "HTTP/1.1 100 Continue\r\n\r\n" })
    client.send("abc")
    #expect(bench.until { client.responses.map(\.body) == ["", "1 POST / 3"] })
  }

  @Test func bodyThatIsTooLongIsRefused() throws {
    let bench = try Bench { $0.maximumBody = 10 }
    let client = try bench.client(sending: post("/", "12345678901"))
    let chunked = try bench.client(
      sending: "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n")
    #expect(bench.until { client.isClosed && chunked.isClosed })
    #expect(client.statuses == [413])
    #expect(chunked.statuses == [413])
    #expect(client.text.hasSuffix("\r\n\r\nThe request body is too large.\n"))
  }

  @Test func slowBodyTimesOut() throws {
    let bench = try Bench { $0.bodyTimeout = 30_000_000 }
    let client = try bench.client(sending: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\na")
    #expect(bench.until { client.isClosed })
    #expect(client.statuses == [408])
    #expect(client.responses[0].body == "The request body did not arrive in time.\n")
  }

  @Test func bodyThatCannotBeSpooledHarmsNobodyElse() throws {
    let bench = try Bench {
      $0.spoolThreshold = 10
      $0.spoolDirectory = "/nonexistent"
    }
    try bench.startWorkers(1)
    let other = try bench.client(sending: get("/other"))
    let client = try bench.client(sending: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n01234567890123")
    #expect(bench.until { client.isClosed && other.responses.count == 1 })
    #expect(client.statuses == [503])
    #expect(client.responses[0].body.contains("could not be kept. Try again"))
    #expect(bench.reports.count == 1)
    #expect(bench.reports[0].contains("No such file"))
  }

  @Test func fullDiskIsTold() throws {
    let bench = try Bench()
    let client = try bench.connect()
    #expect(bench.until { openConnections(bench) == 1 })
    let connection = try #require(bench.switchboard.connections.compactMap(\.self).first)
    let full = SystemError("spool a request body in /tmp", code: ENOSPC)
    bench.switchboard.answerUnspooled(connection, full, isHead: false)
    #expect(bench.until { client.isClosed })
    #expect(client.statuses == [507])
    #expect(client.responses[0].body.contains("no room left"))
    #expect(bench.reports == ["cannot spool a request body in /tmp: No space left on device: the request was refused"])
  }

  @Test func uploaderThatLeavesIsForgotten() throws {
    let bench = try Bench()
    var client: Client? = try bench.client(sending: "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n012345")
    #expect(bench.until { bench.switchboard.inFlight == 1 })
    #expect(client != nil)
    client = nil
    #expect(bench.until { openConnections(bench) == 0 })
  }
}

/// What a descriptor's file holds, from its beginning.
func content(_ fd: Int32) -> [UInt8] {
  var (bytes, chunk) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
  while true {
    let count = pread(fd, &chunk, chunk.count, off_t(bytes.count))
    guard count > 0 else { return bytes }
    bytes += chunk[..<count]
  }
}

/// What a descriptor of this process stands for, as `/proc` shows it.
func target(_ fd: Int32) -> String {
  var name = [UInt8](repeating: 0, count: 4096)
  let count = name.withUnsafeMutableBytes {
    readlink("/proc/self/fd/\(fd)", $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
  }
  return count < 0 ? "" : String(decoding: name[..<count], as: UTF8.self)
}

/// How many of this process's descriptors stand for such a thing.
func openFiles(_ matches: (String) -> Bool) -> Int { (0..<4096).count { matches(target($0)) } }
