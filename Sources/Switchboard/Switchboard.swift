import CLinux
import Glibc
import HTTP1
public import ProcessProtocol

/// Accepts connections, parks the idle ones, and lends those with a whole request to the workers of the current
/// generation.
///
/// A connection's way: parked → reading its head → (collecting its body) → waiting → lent → and back with the worker's
/// ``Return``. What a worker may touch is decided by the connection's claim word on the scoreboard alone: in the
/// switchboard's hands its owner is ``ClaimWord/switchboard``, lent it is ``ClaimWord/nobody``, and each loan has an
/// epoch of its own, so that a copy of an older loan claims nothing.
///
/// Everything happens on the loop's thread. Ignores `SIGPIPE` in this process, for which `sendfile` leaves no choice.
public final class Switchboard {
  /// The bytes that are looked at in one go, and that a worker reads in one go: a request within them is lent unread.
  static let window = 64 * 1024
  /// How many connections are accepted before others get their turn.
  static let acceptBatch = 64

  /// The loop's type, for rooms in which NIO's has the same name.
  public typealias Loop = EventLoop

  let loop: EventLoop
  let scoreboard: Scoreboard
  let settings: SwitchboardSettings
  /// Whom to ask and to tell.
  public weak var delegate: (any SwitchboardDelegate)?
  /// Called once, at the end of a turn, when nothing is in flight any more after ``stopAccepting()``.
  public var onDrained: (() -> Void)?

  /// What speaks TLS and HTTP/2 for the switchboard; nil if nobody speaks them.
  public var front: (any Front)?
  /// How many connections are the front's.
  var handedOver = 0

  // Connections.
  /// By slot; made when the slot is first used.
  var connections: [Connection?]
  var handlers: [((EventLoop.Readiness) -> Void)?]
  var freeSlots: [Int32]
  var deadlines: Deadlines
  var deadlineTimer: (timer: EventLoop.Timer, at: UInt64)?
  var head: RequestHead
  /// For whatever is peeked at, read or sent right now.
  let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Switchboard.window, alignment: 16)

  // Accepting.
  var listeners: [Listener] = []
  var accepting = Accepting.running
  /// How many connections there are that are only told that there are too many.
  var turnedAway = 0
  /// What there has been so far: connections, and answers of our own by their status.
  var accepted = 0
  var answers: [Int: Int] = [:]

  // Lending.
  var queue: LendingQueue?
  var workers = 0
  /// The connections in state `waiting`, in the order in which they are lent.
  var line: SlotList
  /// The connections in state `lent` that had no owner when it was last looked.
  var unclaimed: SlotList
  /// The connections in state `lent`.
  var lent: SlotList
  /// Looks whether what is lent is claimed; and the loan, among those that were not, that had waited for longest.
  var claimTimer: EventLoop.Timer?
  var oldestLoan: (slot: Int, word: ClaimWord)?

  // The end of this server, and the beginning of the next.
  var succession = Succession.none
  /// What was published when the next server was about to take over.
  var publishedBefore: UInt64 = 0
  /// The slots of the connections in state `departing`, in the order in which they leave.
  var departing: [Int] = []
  var departureTimer: EventLoop.Timer?

  // Streams.
  /// The connections in state `streaming`.
  var streams: SlotList
  /// What they were told last.
  var told = Standing.loading

  let message = UnsafeMutableRawBufferPointer.allocate(
    byteCount: Loan.headerSize + Loan.maximumCarried, alignment: 16)
  var isHeld = false
  var turnEnd = TurnEnd()
  var retryTimer: EventLoop.Timer?
  var said: Set<Said> = []

  /// What is to be done at the end of this turn.
  struct TurnEnd {
    var isScheduled = false
    var action: () -> Void = {}
  }
  /// What was reported and is not reported again until it has been well in between.
  enum Said { case descriptors, lending, truncation, spooling, introduction }

  /// A switchboard that listens nowhere and has no generation; its connections use the scoreboard's slots.
  public init(
    loop: EventLoop, scoreboard: Scoreboard, settings: SwitchboardSettings, delegate: (any SwitchboardDelegate)?
  ) {
    self.loop = loop
    self.scoreboard = scoreboard
    self.settings = settings
    self.delegate = delegate
    let count = scoreboard.slotCount
    connections = Array(repeating: nil, count: count)
    handlers = Array(repeating: nil, count: count)
    freeSlots = (0..<Int32(count)).reversed()
    deadlines = Deadlines(slotCount: count, settings: settings)
    line = SlotList(slotCount: count)
    unclaimed = SlotList(slotCount: count)
    lent = SlotList(slotCount: count)
    streams = SlotList(slotCount: count)
    var limits = Limits()
    limits.admitHeads(upTo: min(settings.maximumHead, Self.window / 2))
    head = RequestHead(limits: limits)
    signal(SIGPIPE, SIG_IGN)
    turnEnd.action = { [unowned self] in endTurn() }
  }

  deinit {
    for listener in listeners { loop.unwatch(listener.fd) }
    for connection in connections.lazy.compactMap(\.self) where connection.fd >= 0 {
      loop.unwatch(connection.fd)
      Glibc.close(connection.fd)
    }
    if let deadlineTimer { loop.cancel(deadlineTimer.timer) }
    if let retryTimer { loop.cancel(retryTimer) }
    if let claimTimer { loop.cancel(claimTimer) }
    if let departureTimer { loop.cancel(departureTimer) }
    buffer.deallocate()
    message.deallocate()
  }

  /// Connections that have more than an idle client: requests on their way in, waiting or being served, and responses
  /// on their way out.
  public var inFlight: Int { scoreboard.slotCount - freeSlots.count - deadlines.count(.idle) - streams.count }

  /// The answer to every request while there is no good code; nil while requests are to be lent. Setting it ends a
  /// hold, for those who wait get it too.
  public var answer: FailureAnswer? {
    didSet { resume() }
  }

  /// Whether code is being loaded or looked for; only told to those who watch.
  public var isLoading = false {
    didSet { if isLoading != oldValue { scheduleTurnEnd() } }
  }

  /// Tries again to lend what waits, or to answer it if ``answer`` is set.
  public func resume() {
    isHeld = false
    scheduleTurnEnd()
  }

  /// The number of workers of the current generation, after one was lost or added.
  public func setWorkers(_ count: Int) {
    workers = count
    scheduleTurnEnd()
  }

  // MARK: Turns

  /// Once in a turn, after all its events: whatever became ready together is lent together.
  func scheduleTurnEnd() {
    guard !turnEnd.isScheduled else { return }
    turnEnd.isScheduled = true
    loop.later(turnEnd.action)
  }

  private func endTurn() {
    turnEnd.isScheduled = false
    passOnWaiting()
    lendWaiting()
    tellStreams()
    if accepting == .stopped, inFlight == 0, handedOver == 0, !isPassingOn, let drained = onDrained {
      onDrained = nil
      drained()
    }
  }

  // MARK: Reports

  func report(_ text: String) { delegate?.switchboard(reports: text) }

  func reportOnce(_ what: Said, _ text: @autoclosure () -> String) {
    if said.insert(what).inserted { report(text()) }
  }
}
