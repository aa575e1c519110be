import CLinux
import Glibc
import ProcessProtocol
import Testing

@testable import Switchboard

@Suite(.serialized) struct HeadTests {
  @Test(arguments: [false, true]) func requestIsServedAndTheConnectionParked(unixSocket: Bool) throws {
    let bench = try Bench(unixSocket: unixSocket)
    try bench.startWorkers(1)
    let client = try bench.client(sending: get("/a"))
    #expect(bench.until { client.responses.count == 1 })
    client.send(get("/b"))
    #expect(bench.until { client.responses.count == 2 })
    #expect(client.responses.map(\.body) == ["1 GET /a", "1 GET /b"])
    #expect(bench.until { bench.switchboard.inFlight == 0 })
    #expect(bench.scoreboard.waiting == 0)
  }

  @Test(arguments: [false, true]) func headThatComesByteByByteIsLentWhole(unixSocket: Bool) throws {
    let bench = try Bench(unixSocket: unixSocket)
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.connect()
    let request = get("/split")
    for byte in request.utf8.dropLast() {
      client.send([byte])
      bench.loop.turn(atMost: 1_000_000)
      #expect(!worker.receive())
    }
    client.send("\n")
    #expect(bench.until { worker.receive() })
    #expect(worker.claim())
    worker.fill()
    #expect(worker.buffered == Array(request.utf8))
    worker.respond("done")
    worker.giveBack(.keep)
    #expect(bench.until { client.responses.map(\.body) == ["done"] })
  }

  @Test(arguments: [false, true]) func incompleteHeadDoesNotKeepTheLoopBusy(unixSocket: Bool) throws {
    let bench = try Bench(unixSocket: unixSocket)
    let client = try bench.client(sending: "GET / HT")
    #expect(bench.until { bench.switchboard.inFlight == 1 })
    bench.settle()
    #expect(bench.loop.turn(atMost: 10_000_000) == 0)
    #expect(!client.isClosed)
  }

  @Test func lowWaterMarkIsOneAgainWhenLent() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: "GET / HTTP/1.1\r\nHo")
    #expect(bench.until { bench.switchboard.inFlight == 1 })
    client.send("st: x\r\n\r\n")
    #expect(bench.until { worker.receiveAndClaim() })
    var (mark, size): (Int32, socklen_t) = (0, 4)
    getsockopt(worker.fd, SOL_SOCKET, SO_RCVLOWAT, &mark, &size)
    #expect(mark == 1)
  }

  @Test func refusedRequestIsAnsweredAndClosed() throws {
    let bench = try Bench { $0.lingerTimeout = 50_000_000 }
    let client = try bench.client(sending: "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: nine\r\n\r\nmore of it")
    #expect(bench.until { client.isClosed })
    #expect(client.statuses == [400])
    #expect(client.responses[0].head.contains("Connection: close"))
    #expect(bench.until { bench.switchboard.inFlight == 0 })
  }

  @Test func headThatIsTooLongIsRefused() throws {
    let bench = try Bench { $0.maximumHead = 1000 }
    let client = try bench.client(sending: get("/", "X-Long: " + String(repeating: "x", count: 2000) + "\r\n"))
    #expect(bench.until { client.isClosed })
    #expect(client.statuses == [431])
  }

  @Test func headThatGrowsTooLongByteByByteIsRefused() throws {
    let bench = try Bench { $0.maximumHead = 200 }
    let client = try bench.client(sending: "GET / HTTP/1.1\r\nX-Long: ")
    for _ in 0..<300 where !client.isClosed {
      client.send("x")
      bench.loop.turn(atMost: 1_000_000)
    }
    #expect(bench.until { client.isClosed })
    #expect(client.statuses == [431])
  }

  @Test func slowHeadTimesOut() throws {
    let bench = try Bench { $0.headTimeout = 30_000_000 }
    let client = try bench.client(sending: "GET / HTTP/1.1\r\n")
    #expect(bench.until { client.isClosed })
    #expect(client.statuses == [408])
    #expect(client.responses[0].body == "The request head did not arrive in time.\n")
  }

  @Test func idleConnectionIsClosed() throws {
    let bench = try Bench { $0.idleTimeout = 30_000_000 }
    try bench.startWorkers(1)
    let silent = try bench.connect()
    let served = try bench.client(sending: get("/"))
    #expect(bench.until { silent.isClosed && served.isClosed })
    #expect(silent.text.isEmpty)
    #expect(served.statuses == [200])
  }

  @Test(arguments: [false, true]) func clientThatLeavesIsForgotten(unixSocket: Bool) throws {
    let bench = try Bench(unixSocket: unixSocket)
    var clients = [try bench.connect(), try bench.client(sending: "GET / HT")]
    #expect(bench.until { bench.switchboard.inFlight == 1 && openConnections(bench) == 2 })
    clients = []
    #expect(bench.until { openConnections(bench) == 0 })
    #expect(clients.isEmpty)
  }

  @Test func requestOfAClientThatHasEndedSendingIsServed() throws {
    let bench = try Bench()
    try bench.startWorkers(1)
    let client = try bench.client(sending: get("/last"))
    client.endSending()
    #expect(bench.until { client.isClosed })
    #expect(client.responses.map(\.body) == ["1 GET /last"])
  }

  @Test func peerAndPortsComeWithTheLoan() throws {
    let bench = try Bench()
    let worker = try bench.startWorkers(1, serving: false)[0]
    let client = try bench.client(sending: get("/"))
    #expect(bench.until { worker.receive() })
    var (address, size) = (sockaddr_in(), socklen_t(MemoryLayout<sockaddr_in>.size))
    withUnsafeMutableBytes(of: &address) {
      _ = getsockname(client.fd, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), &size)
    }
    let loan = try #require(worker.loan)
    #expect(loan.family == .ipv4)
    #expect(loan.peerPort == UInt16(bigEndian: address.sin_port))
    #expect(loan.localPort == bench.port)
    #expect(withUnsafeBytes(of: loan.peerAddress.0) { Array($0.prefix(4)) } == [127, 0, 0, 1])
  }
}

@Suite struct PeerTests {
  @Test func addressOfAnIPv6PeerIsKeptInNetworkOrder() {
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = UInt16(4711).bigEndian
      inet_pton(AF_INET6, "2001:db8::1", &address.sin6_addr)
      $0.storeBytes(of: address, as: sockaddr_in6.self)
    }
    let peer = Peer(storage, localPort: 80)
    #expect(peer.family == .ipv6 && peer.port == 4711 && peer.localPort == 80)
    let bytes = withUnsafeBytes(of: peer.address) { Array($0) }
    #expect(bytes == [0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1])
  }
}

/// The connections that the switchboard holds.
func openConnections(_ bench: Bench) -> Int { bench.scoreboard.slotCount - bench.switchboard.freeSlots.count }
