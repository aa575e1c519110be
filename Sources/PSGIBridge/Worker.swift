import CLinux
import CPerl
import Glibc
import HTTP1
public import ProcessProtocol

/// Loads what the bridge needs of perl. To be called before the first fork, so that all workers share it. Returns the
/// error's text if perl cannot load its own core modules.
public func prepareBridge() -> String? {
  var value: OpaquePointer?
  var status: Int32 = 0
  guard cp_psgi_prepare(&value, &status) != CP_RETURNED else { return nil }
  guard let value else { return "a core module called exit" }
  defer { cp_release(value) }
  var count = 0
  let bytes = cp_bytes(value, &count)
  return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
}

/// Serves connections with an application until there is a reason to stop: the life of a worker.
///
/// - Parameters:
///   - application: A reference to the application's sub; borrowed.
///   - seat: What the worker has in its hands. Its descriptors stay open.
public func serve(_ application: OpaquePointer, in seat: WorkerSeat) -> WorkerEnd {
  cl_catch_stop(seat.queue)
  let worker = Worker(application, seat)
  do throws(Exit) {
    return try worker.run()
  } catch {
    return .exited(status: error.status)
  }
}

/// Sends a notice to `nacre`.
func say(_ notice: Notice, on channel: Int32) {
  notice.encoded().withUnsafeBytes { _ = cl_send_message(channel, $0.baseAddress!, $0.count, nil, 0, 0) }
}

/// A worker: receives loans, claims them and serves their requests.
final class Worker {
  let application: OpaquePointer
  let seat: WorkerSeat
  let cell: ScoreboardCell
  let input = InputWindow()
  let peer = Peer()
  let builder: EnvironmentBuilder
  let outlet: Outlet
  let exchange: Exchange
  var request: RequestHead
  /// Nil without `--access-log`.
  let accessLog: AccessLog?
  /// That of the request in hand; nil without `--request-ids`.
  let requestID: RequestID?
  /// Whether the application asked for this worker's end (`psgix.harakiri.commit`).
  var isToLeave = false
  /// Whether `nacre` answers some paths by itself.
  let hasReservedPaths: Bool
  /// The requests after which it leaves (`--max-requests`).
  private let limit: UInt64

  init(_ application: OpaquePointer, _ seat: WorkerSeat) {
    self.application = application
    self.seat = seat
    cell = seat.scoreboard.cell(seat.cell)
    hasReservedPaths = seat.settings.environment == "development"
    limit = Self.limit(about: UInt64(seat.settings.service.maximumRequests))
    builder = EnvironmentBuilder()
    outlet = Outlet(
      spoolDirectory: seat.settings.spoolDirectory, pendingLimit: Int(clamping: seat.settings.service.responseBuffer))
    var limits = Limits()
    limits.admitHeads(upTo: Int(seat.settings.service.maximumHead))
    request = RequestHead(limits: limits)
    accessLog = AccessLog(seat, keys: builder.keys)
    requestID = seat.settings.service.makesRequestIDs ? RequestID() : nil
    exchange = Exchange(outlet: outlet, cell: cell, keys: builder.keys)
    installHooks(for: exchange)
  }

  /// A connection in this worker's hands.
  struct Connection {
    let loan: Loan
    /// The claim word with this worker as the owner.
    let word: ClaimWord
    /// -1 once it has been given back.
    var descriptor: Int32
    /// The descriptor of the first request's body, until it has been used; -1 without one.
    var body: Int32
  }

  /// Workers that began together are not to leave together: a tenth more or less.
  private static func limit(about number: UInt64) -> UInt64 {
    number == 0 ? .max : UInt64.random(in: (number - number / 10)...(number + number / 10))
  }

  /// Whether it has served as many requests as it was to.
  var isSpent: Bool { cell.requests >= limit }

  func run() throws(Exit) -> WorkerEnd {
    cell.phase = .idle
    while true {
      if cl_stop_requested() { return .stopped }
      switch try receive() {
      case .ended: return cl_stop_requested() ? .stopped : .queueEnded
      case .nothing: continue
      case .connection(var connection):
        try serve(&connection)
        cell.phase = .idle
        if isToLeave {
          say(.leaving("the application asked for it (psgix.harakiri.commit)"), on: seat.channel)
          return .stopped
        }
        if isSpent {
          say(.leaving("it has served \(cell.requests) requests (--max-requests)"), on: seat.channel)
          return .stopped
        }
      }
    }
  }

  /// What came over the lending queue.
  private enum Received {
    case connection(Connection)
    case nothing
    case ended
  }

  private func receive() throws(Exit) -> Received {
    var descriptors: (Int32, Int32, Int32, Int32) = (-1, -1, -1, -1)
    var count: Int32 = 4
    var flags: Int32 = 0
    let received = withUnsafeMutableBytes(of: &descriptors) {
      input.receiveLoan(
        from: seat.queue, $0.baseAddress!.assumingMemoryBound(to: Int32.self), &count, &flags)
    }
    if received < 0, errno == EINTR {
      try runSignals()
      return .nothing
    }
    guard received > 0 else { return .ended }
    let given = (count > 0 ? descriptors.0 : -1, count > 1 ? descriptors.1 : -1)
    if count > 2 { close(descriptors.2) }
    if count > 3 { close(descriptors.3) }
    let loan = input.loan(received: received)
    let isWhole = Int(flags) & Int(MSG_CTRUNC | MSG_TRUNC) == 0
    if let loan, isWhole, given.0 >= 0, given.1 >= 0 || !loan.hasBody, let word = claim(loan) {
      return .connection(Connection(loan: loan, word: word, descriptor: given.0, body: given.1))
    }
    if given.0 >= 0 { close(given.0) }
    if given.1 >= 0 { close(given.1) }
    if let loan, !isWhole || given.0 < 0 || (loan.hasBody && given.1 < 0) {
      input.consumeAll()
      give(back: Return(outcome: .truncated, slot: loan.slot, word: loan.word))
    }
    return .nothing
  }

  /// Makes this worker the connection's owner; nil if it has been lent again or taken back.
  private func claim(_ loan: Loan) -> ClaimWord? {
    let slot = Int(loan.slot)
    guard slot < seat.scoreboard.slotCount else { return nil }
    let mine = loan.word.owned(by: UInt16(seat.cell + 1))
    guard cl_swap64(seat.scoreboard.claim(slot), loan.word.rawValue, mine.rawValue) else { return nil }
    cell.slot = slot
    cell.phase = .betweenRequests
    seat.scoreboard.addWaiting(-1)
    return mine
  }

  /// Handlers of signals that interrupted the waiting.
  private func runSignals() throws(Exit) {
    var value: OpaquePointer?
    var status: Int32 = 0
    let outcome = cp_run_signals(&value, &status)
    guard case .died(let error) = try called(outcome, value, status) else { return }
    cp_warn(error)
    try release(error)
  }

  /// Sends a return with the unused input, and a descriptor that is closed here.
  func give(back: Return, rest: Int32 = -1) {
    let message = input.message(back)
    var descriptor = rest
    while cl_send_message(
      seat.channel, message.baseAddress!, message.count, &descriptor, rest >= 0 ? 1 : 0, 0) < 0
    {
      if errno == EINTR { continue }
      guard errno == EAGAIN || errno == ETOOMANYREFS || errno == ENOBUFS else { break }
      var channel = pollfd(fd: seat.channel, events: Int16(POLLOUT), revents: 0)
      _ = poll(&channel, 1, 10)
      // Too many descriptors are under way: the socket does not tell when that is over.
      if channel.revents & Int16(POLLOUT) != 0 { usleep(1000) }
    }
    if rest >= 0 { close(rest) }
  }
}
