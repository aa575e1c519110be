/// What connections are waiting for, and until when.
///
/// Everything of one kind may take equally long, so each kind is a list in the order of its deadlines: setting and
/// removing cost a few stores, and one timer of the loop serves all.
struct Deadlines {
  enum Kind: Int, CaseIterable {
    /// Parked: the next request.
    case idle
    /// The rest of a request head.
    case head
    /// More of a body.
    case body
    /// A loan, while nothing can be lent.
    case hold
    /// Room for more of a response.
    case send
    /// The client's end of a closed connection.
    case linger
    /// The next sign of life on a stream.
    case heartbeat
  }

  private let durations: [UInt64]
  /// By kind.
  private var lists: [SlotList]
  /// By slot.
  private var kinds: [Kind?]
  private var deadlines: [UInt64]

  init(slotCount: Int, settings: SwitchboardSettings) {
    durations = Kind.allCases.map {
      switch $0 {
      case .idle: settings.idleTimeout
      case .head: settings.headTimeout
      case .body: settings.bodyTimeout
      case .hold: settings.hold
      case .send: settings.sendTimeout
      case .linger: settings.lingerTimeout
      case .heartbeat: settings.heartbeat
      }
    }
    lists = Kind.allCases.map { _ in SlotList(slotCount: slotCount) }
    kinds = Array(repeating: nil, count: slotCount)
    deadlines = Array(repeating: 0, count: slotCount)
  }

  /// Sets a slot's deadline anew, in place of the one it had, and returns it. With a minimum beyond the kind's duration
  /// those that are set after it may be taken that much later.
  mutating func set(_ slot: Int, _ kind: Kind, now: UInt64, atLeast minimum: UInt64 = 0) -> UInt64 {
    remove(slot)
    kinds[slot] = kind
    let deadline = now &+ max(durations[kind.rawValue], minimum)
    deadlines[slot] = deadline
    lists[kind.rawValue].append(slot)
    return deadline
  }

  mutating func remove(_ slot: Int) {
    guard let kind = kinds[slot] else { return }
    lists[kind.rawValue].remove(slot)
    kinds[slot] = nil
  }

  func count(_ kind: Kind) -> Int { lists[kind.rawValue].count }
  func first(_ kind: Kind) -> Int? { lists[kind.rawValue].first }

  /// When the next deadline is over.
  var earliest: UInt64? {
    var earliest: UInt64?
    for list in lists {
      if let slot = list.first { earliest = min(earliest ?? .max, deadlines[slot]) }
    }
    return earliest
  }

  /// A slot whose deadline is over, and what it was waiting for; it has none from then on.
  mutating func takeOverdue(_ now: UInt64) -> (slot: Int, kind: Kind)? {
    for kind in Kind.allCases {
      if let slot = lists[kind.rawValue].first, deadlines[slot] <= now {
        remove(slot)
        return (slot, kind)
      }
    }
    return nil
  }
}
