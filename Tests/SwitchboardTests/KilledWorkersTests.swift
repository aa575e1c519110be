import CLinux
import Glibc
import HTTP1
import ProcessProtocol
import Testing

@testable import Switchboard

/// Real worker processes under random kills: whatever happens to them, no request is served twice, and only those that
/// a worker had claimed when it was killed are lost.
@Suite(.serialized) struct KilledWorkersTests {
  private static let duration: UInt64 = 3_000_000_000
  private static let clientCount = 24
  private static let workerCount = 3

  @Test func noRequestIsServedTwice() throws {
    let bench = try Bench { $0.lingerTimeout = 100_000_000 }
    let tally = try #require(Tally(capacity: 1 << 20))
    let queue = try bench.switchboard.makeQueue()
    let crew = Crew(bench, queue, tally)
    for index in 0..<Self.workerCount { try crew.start(cell: index) }
    bench.switchboard.promote(queue, generation: 1, workers: Self.workerCount)

    let traffic = try Traffic(bench, clients: Self.clientCount)
    var kills = 0
    let end = EventLoop.clock() + Self.duration
    var nextKill = EventLoop.clock() + 500_000
    while EventLoop.clock() < end {
      bench.loop.turn(atMost: 200_000)
      try traffic.advance()
      guard EventLoop.clock() > nextKill else { continue }
      try crew.killOne()
      kills += 1
      nextKill = EventLoop.clock() + UInt64.random(in: 0..<2_000_000)
    }
    // What is still under way is answered, too: nothing hangs.
    #expect(bench.until { traffic.finish() })
    #expect(bench.until { bench.scoreboard.waiting == 0 })
    crew.end()
    let counts = (1...traffic.asked).map { tally.count(of: $0) }
    #expect(counts.allSatisfy { $0 <= 1 })
    #expect(traffic.answered + traffic.lost == traffic.asked)
    #expect(traffic.lost <= kills)
    #expect(counts.count { $0 == 1 } >= traffic.answered)
    #expect(kills > 50 && traffic.answered > 500)
  }
}

/// Clients that ask without a pause.
private final class Traffic {
  private let bench: Bench
  private var callers: [Caller]
  private(set) var (asked, answered, lost) = (0, 0, 0)

  init(_ bench: Bench, clients: Int) throws {
    self.bench = bench
    callers = try (0..<clients).map { _ in Caller(try bench.connect()) }
  }

  /// Takes in what has been answered and asks again.
  func advance() throws {
    for index in callers.indices where settle(index) {
      if callers[index].isClosed { callers[index] = Caller(try bench.connect()) }
      asked += 1
      callers[index].ask(asked)
    }
  }

  /// Asks nothing any more; true when nothing is under way.
  func finish() -> Bool { callers.indices.count { settle($0) } == callers.count }

  /// Whether this caller has no request under way.
  private func settle(_ index: Int) -> Bool {
    switch callers[index].advance() {
    case .busy: return false
    case .ready: break
    case .answered: answered += 1
    case .lost: lost += 1
    }
    return true
  }
}

/// Shared memory in which workers count how often each request was served.
private struct Tally {
  let words: UnsafeMutablePointer<UInt64>
  init?(capacity: Int) {
    guard let memory = mmap(nil, capacity * 8, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
      memory != MAP_FAILED
    else { return nil }
    words = memory.assumingMemoryBound(to: UInt64.self)
  }
  func count(of request: Int) -> UInt64 { cl_load64(words + request) }
}

/// A client that asks for one thing after another.
private struct Caller {
  enum Step { case ready, busy, answered, lost }
  private let client: Client
  private var isWaiting = false
  private var seen = 0

  init(_ client: Client) { self.client = client }

  var isClosed: Bool { client.hasEnded }

  mutating func ask(_ request: Int) {
    let digits = String(request)
    client.send(get("/" + String(repeating: "0", count: 8 - digits.count) + digits))
    isWaiting = true
  }

  mutating func advance() -> Step {
    client.read()
    guard isWaiting else { return .ready }
    if client.received.count - seen == workerResponse.utf8CodeUnitCount {
      seen = client.received.count
      isWaiting = false
      return .answered
    }
    guard client.hasEnded else { return .busy }
    isWaiting = false
    return .lost
  }
}

private let workerResponse: StaticString = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/// The worker processes.
private final class Crew {
  private let bench: Bench
  private let queue: LendingQueue
  private let tally: Tally
  private let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 17, alignment: 16)
  private var members: [(pid: pid_t, channel: Int32)] = []

  init(_ bench: Bench, _ queue: LendingQueue, _ tally: Tally) {
    (self.bench, self.queue, self.tally) = (bench, queue, tally)
  }

  deinit { memory.deallocate() }

  func start(cell: Int) throws {
    var ends: [Int32] = [-1, -1]
    #expect(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
    bench.scoreboard.cell(cell).clear()
    let life = WorkerLife(
      queue: queue.receivingEnd, channel: ends[1], scoreboard: bench.scoreboard, cell: cell, tally: tally,
      memory: memory)
    let pid = cl_fork()
    if pid == 0 {
      // Nothing but system calls and stores from here on: other threads held locks when this process was made.
      for fd in 3..<Int32(4096) where fd != life.queue && fd != life.channel { close(fd) }
      life.run()
      _exit(0)
    }
    close(ends[1])
    try #require(pid > 0)
    if members.count <= cell { members.append((pid, ends[0])) } else { members[cell] = (pid, ends[0]) }
    cl_set_nonblocking(ends[0], true)
    try bench.loop.watch(ends[0], .readable) { [unowned self] _ in read(from: cell) }
  }

  /// Reads returns; false at the channel's end.
  @discardableResult
  private func read(from cell: Int) -> Bool {
    while true {
      let count = recv(members[cell].channel, memory, 1 << 16, Int32(MSG_DONTWAIT))
      if count <= 0 { return count < 0 && errno == EAGAIN }
      bench.switchboard.handleReturn(UnsafeRawBufferPointer(start: memory, count: count), fds: [], from: cell)
    }
  }

  /// Kills a worker, settles what it left, and starts another in its place.
  func killOne() throws {
    let cell = Int.random(in: 0..<members.count)
    try finish(cell)
    bench.switchboard.workerEnded(cell: cell)
    try start(cell: cell)
  }

  private func finish(_ cell: Int) throws {
    kill(members[cell].pid, SIGKILL)
    var status: Int32 = 0
    #expect(waitpid(members[cell].pid, &status, 0) == members[cell].pid)
    read(from: cell)
    bench.loop.unwatch(members[cell].channel)
    close(members[cell].channel)
  }

  func end() {
    for cell in members.indices { try? finish(cell) }
    members = []
  }
}

/// What a worker does, in words that a forked child of a process with threads may use.
private struct WorkerLife {
  let queue: Int32
  let channel: Int32
  let scoreboard: Scoreboard
  let cell: Int
  let tally: Tally
  let memory: UnsafeMutableRawPointer

  func run() {
    let owner = UInt16(cell + 1)
    let board = scoreboard.cell(cell)
    board.phase = .idle
    while true {
      var (fd, count, flags): (Int32, Int32, Int32) = (-1, 1, 0)
      let received = cl_receive_message(queue, memory, 1 << 17, &fd, &count, 0, &flags)
      guard received > 0 else { return }
      guard let loan = Loan(UnsafeRawBufferPointer(start: memory, count: received)), count == 1 else { continue }
      let mine = loan.word.owned(by: owner)
      guard cl_swap64(scoreboard.claim(Int(loan.slot)), loan.word.rawValue, mine.rawValue) else {
        close(fd)
        continue
      }
      scoreboard.addWaiting(-1)
      board.phase = .betweenRequests
      board.phase = .inRequest
      // "GET /00000017 HTTP/1.1"
      let length = recv(fd, memory, 1 << 16, Int32(MSG_DONTWAIT))
      var request = 0
      for index in 5..<13 { request = request * 10 + Int(memory.load(fromByteOffset: index, as: UInt8.self)) - 48 }
      if length > 13 { _ = cl_add64(tally.words + request, 1) }
      board.phase = .responding
      send(fd, workerResponse.utf8Start, workerResponse.utf8CodeUnitCount, Int32(MSG_NOSIGNAL))
      board.phase = .betweenRequests
      close(fd)
      Return(outcome: .keep, slot: loan.slot, word: mine).store(in: memory)
      send(channel, memory, Return.headerSize, Int32(MSG_NOSIGNAL))
      board.phase = .idle
    }
  }
}
