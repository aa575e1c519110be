import CLinux
import Glibc
import HTTP1
import ProcessProtocol
import Testing

@testable import Switchboard

/// A worker as the switchboard sees one, on the same loop. It answers each request with
/// `generation method path length-of-the-body`, or lets the test do step by step what a worker does.
final class FakeWorker {
  unowned let bench: Bench
  private let loop: EventLoop
  let queue: Int32
  let cell: Int
  let generation: UInt64
  /// The connection in hand.
  private(set) var loan: Loan?
  private(set) var fd: Int32 = -1
  private(set) var body: Int32 = -1
  private(set) var buffered: [UInt8] = []
  private(set) var queueHasEnded = false
  private(set) var served: [String] = []
  private(set) var refusedClaims = 0

  init(_ bench: Bench, _ queue: LendingQueue, cell: Int, generation: UInt64) {
    self.bench = bench
    loop = bench.loop
    self.queue = fcntl(queue.receivingEnd, F_DUPFD_CLOEXEC, 0)
    self.cell = cell
    self.generation = generation
    board.clear()
    board.phase = .idle
  }

  deinit {
    loop.unwatch(queue)
    close(queue)
    drop()
  }

  var board: ScoreboardCell { bench.scoreboard.cell(cell) }

  /// Serves by itself from now on.
  func serve() throws {
    try loop.watch(queue, .readable) { [unowned self] _ in
      guard receive() else {
        if queueHasEnded { loop.unwatch(queue) }
        return
      }
      if claim() { serveConnection() }
    }
  }

  // MARK: Step by step

  /// Receives a loan, if one is there.
  func receive() -> Bool {
    var bytes = [UInt8](repeating: 0, count: Loan.headerSize + Loan.maximumCarried)
    var (fds, count, flags) = ([Int32](repeating: -1, count: 4), Int32(4), Int32(0))
    let received = cl_receive_message(queue, &bytes, bytes.count, &fds, &count, Int32(MSG_DONTWAIT), &flags)
    if received == 0 { queueHasEnded = true }
    guard received > 0 else { return false }
    loan = bytes.withUnsafeBytes { Loan($0) }
    buffered = Array(bytes[Loan.headerSize..<received])
    fd = fds[0]
    body = count > 1 ? fds[1] : -1
    return true
  }

  /// Swaps itself in as the owner; drops the connection if that fails.
  func claim() -> Bool {
    let word = loan!.word
    let mine = word.owned(by: UInt16(cell + 1))
    guard cl_swap64(bench.scoreboard.claim(Int(loan!.slot)), word.rawValue, mine.rawValue) else {
      refusedClaims += 1
      drop()
      return false
    }
    bench.scoreboard.addWaiting(-1)
    board.phase = .betweenRequests
    return true
  }

  func receiveAndClaim() -> Bool { receive() && claim() }

  /// Reads what is in the socket behind what is buffered.
  func fill() {
    var bytes = [UInt8](repeating: 0, count: 64 * 1024)
    let count = recv(fd, &bytes, bytes.count - min(buffered.count, 60_000), Int32(MSG_DONTWAIT))
    if count > 0 { buffered += bytes[..<count] }
  }

  func respond(_ text: String, status: String = "200 OK") {
    let response = Array("HTTP/1.1 \(status)\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)".utf8)
    board.phase = .responding
    send(fd, response, response.count, Int32(MSG_NOSIGNAL))
    board.phase = .betweenRequests
  }

  /// Sends the `Return` and lets go of the connection.
  func giveBack(
    _ outcome: Return.Outcome, carrying carried: [UInt8] = [],
    rest: (file: Int32, offset: UInt64, length: UInt64)? = nil
  ) {
    let loan = loan!
    let word = outcome == .truncated ? loan.word : loan.word.owned(by: UInt16(cell + 1))
    let given = Return(
      outcome: outcome, slot: loan.slot, word: word, restOffset: rest?.offset ?? 0, restLength: rest?.length ?? 0)
    drop()
    give(given, carrying: carried, fds: rest.map { [$0.file] } ?? [])
    board.phase = .idle
  }

  func give(_ given: Return, carrying carried: [UInt8] = [], fds: [Int32] = []) {
    var message = [UInt8](repeating: 0, count: Return.headerSize)
    message.withUnsafeMutableBytes { given.store(in: $0.baseAddress!) }
    (message + carried).withUnsafeBytes { bench.switchboard.handleReturn($0, fds: fds, from: cell) }
  }

  /// Ends as by a signal, in this phase.
  func die(in phase: WorkerPhase) {
    loop.unwatch(queue)
    drop()
    board.phase = phase
    bench.switchboard.workerEnded(cell: cell)
  }

  func drop() {
    if fd >= 0 { close(fd) }
    if body >= 0 { close(body) }
    (fd, body, loan) = (-1, -1, nil)
  }

  // MARK: By itself

  /// Serves the requests that are there and gives the connection back, as a worker does.
  private func serveConnection() {
    var outcome: Return.Outcome?
    let before = served.count
    while outcome == nil {
      if buffered.isEmpty { fill() }
      if buffered.isEmpty {
        outcome = .keep
      } else if served.count > before, bench.scoreboard.publishedGeneration != generation {
        outcome = .tooOld
      } else if !serveRequest() {
        outcome = .keep
      } else if bench.scoreboard.waiting > 0 {
        outcome = .keep
      }
    }
    giveBack(outcome!, carrying: buffered)
  }

  /// Serves the request that the buffer begins with; false if it is not there wholly.
  private func serveRequest() -> Bool {
    var head = RequestHead()
    let parsed = buffered.withUnsafeBytes { head.parse($0) }
    guard case .complete(let headLength) = parsed else { return false }
    var description = buffered.withUnsafeBytes {
      "\(generation) \(String(decoding: head.method.slice(of: $0), as: UTF8.self)) "
        + String(decoding: head.path.slice(of: $0), as: UTF8.self)
    }
    var used = headLength
    if let loan, loan.hasBody, body >= 0 {
      description += " \(loan.bodyLength) spooled"
      close(body)
      body = -1
    } else if let length = head.contentLength, length > 0 {
      if buffered.count < headLength + length { fill() }
      guard buffered.count >= headLength + length else { return false }
      used += length
      description += " \(length)"
    } else if head.isChunked {
      return false
    }
    buffered.removeFirst(used)
    board.phase = .inRequest
    served.append(description)
    respond(description)
    return true
  }
}
