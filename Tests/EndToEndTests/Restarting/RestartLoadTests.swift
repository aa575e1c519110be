import CLinux
import Foundation
import Glibc
import Synchronization
import Testing

/// Many restarts while clients ask without a pause.
@Suite(.lane) struct RestartLoadTests {
  private static let restarts = 20

  @Test(.slow, arguments: [ServerOptions.production, .development])
  func twentyRestartsUnder256ConnectionsFailNoRequestAndCloseNone(_ options: ServerOptions) throws {
    let site = try Site(["app.psgi": Site.restarting()])
    try site.serve(options) { server in
      // These are asked again only when all is over.
      let idle = try (0..<64).map { _ in try server.connect() }
      for connection in idle { #expect(try connection.exchange().status == 200) }
      let clients = try KeptClients(server, connections: 192)
      var servers = [server.process.pid]
      for _ in 0..<Self.restarts {
        servers.append(try server.restart())
        let asked = clients.answered
        guard eventually(within: 60, { clients.answered > asked + 200 || clients.failed }) else {
          throw Stuck("nobody is answered any more")
        }
      }
      let answers = clients.stop()
      #expect(clients.failures.isEmpty, "\(clients.failures.prefix(5))\n\(server)")
      #expect(answers.count > 20 * 200, "\(answers.count)")
      #expect(Set(answers.map(\.server)) == Set(servers), "each has answered")
      #expect(
        overtaken(answers, servers).isEmpty, "an older server began with a request after a newer one had answered")
      for connection in idle {
        #expect(!connection.hasSomething(within: 0), "it was closed")
        #expect(try connection.exchange().text == "\(servers.last!) one 0", "\(server)")
      }
      #expect(server.runsOnly(server.process.pid, servers.last!), "\(server.process.session())")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: site.notes + "/nacre") == [])
  }

  @Test(.slow) func twentyRestartsUnder256ConnectionsThatAskAllAtOnceFailNoRequest() throws {
    let site = try Site(["app.psgi": Site.restarting()])
    try site.serve(.production) { server in
      #expect(try server.text() == "\(server.process.pid) one 0")
      var restarts = 0
      while restarts < Self.restarts {
        try server.whileAsked(20_480, .tcp, ["-c", "256"]) {
          try server.restart()
          restarts += 1
        }
      }
    }
  }

  /// The answers to requests that were sent after a newer server's first answer had come.
  private func overtaken(_ answers: [KeptClients.Answer], _ servers: [pid_t]) -> [KeptClients.Answer] {
    let rank = Dictionary(uniqueKeysWithValues: servers.enumerated().map { ($1, $0) })
    var first = [UInt64](repeating: .max, count: servers.count + 1)
    for answer in answers { if let rank = rank[answer.server] { first[rank] = min(first[rank], answer.received) } }
    for rank in servers.indices.reversed() { first[rank] = min(first[rank], first[rank + 1]) }
    return answers.filter { answer in rank[answer.server].map { answer.sent > first[$0 + 1] } ?? true }
  }
}

/// Clients in eight threads, each with a share of the connections, which they ask in turns and never open anew. Of each
/// four requests one has a body, and one is sent in two pieces.
private final class KeptClients: Sendable {
  struct Answer: Sendable {
    var sent: UInt64
    var received: UInt64
    var server: pid_t
  }
  private struct State {
    var stopped = false
    var running = 0
    var answers: [Answer] = []
    var failures: [String] = []
  }
  private let state = Mutex(State())
  private static let threads = 8

  init(_ server: Server, connections: Int) throws {
    for number in 0..<Self.threads {
      let own = try (0..<connections / Self.threads).map { _ in try server.connect() }
      let box = Box(connections: own)
      state.withLock { $0.running += 1 }
      Thread { [self] in
        run(box.connections, number)
        state.withLock { $0.running -= 1 }
      }.start()
    }
  }

  /// A connection belongs to one thread at a time.
  private struct Box: @unchecked Sendable { let connections: [Connection] }

  var answered: Int { state.withLock { $0.answers.count } }
  var failed: Bool { state.withLock { !$0.failures.isEmpty } }
  var failures: [String] { state.withLock { $0.failures } }

  func stop() -> [Answer] {
    state.withLock { $0.stopped = true }
    _ = eventually(within: 90) { state.withLock { $0.running == 0 } }
    return state.withLock { $0.answers }
  }

  private func run(_ connections: [Connection], _ number: Int) {
    var round = number
    do {
      while !state.withLock({ $0.stopped }) {
        for connection in connections { try ask(connection, &round) }
      }
    } catch {
      state.withLock { $0.failures.append("\(error)") }
    }
  }

  private func ask(_ connection: Connection, _ round: inout Int) throws {
    round += 1
    let size = round % 4 == 1 ? 20_000 : round % 4 == 3 ? 300 : 0
    let sent = clockTime()
    switch round % 4 {
    case 1: try connection.request("POST", "/", body: [UInt8](repeating: 65, count: size))
    case 2:
      try connection.send("GET / HTT")
      try connection.send("P/1.1\r\nHost: nacre.test\r\n\r\n")
    case 3:
      try connection.send("POST / HTTP/1.1\r\nHost: nacre.test\r\nTransfer-Encoding: chunked\r\n\r\n12c\r\n")
      try connection.send(String(repeating: "b", count: size) + "\r\n0\r\n\r\n")
    default: try connection.request()
    }
    let response = try connection.response()
    let received = clockTime()
    let words = response.text.split(separator: " ")
    guard response.status == 200, words.count == 3, words[2] == "\(size)", let server = pid_t(words[0]) else {
      throw Stuck("\(response.status) \(response.text)")
    }
    state.withLock { $0.answers.append(Answer(sent: sent, received: received, server: server)) }
  }
}

/// Nanoseconds of the clock that only goes forward.
private func clockTime() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}
