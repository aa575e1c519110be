/// Which events of a growing list are about which path: the question "what did this load see of these few files" then costs
/// no more at 50,000 files than at 10.
///
/// Positions are those of the list; the history may begin after some events that somebody else keeps account of.
public struct PathHistory: Sendable {
  /// The position of the first event.
  public let start: Int
  /// The latest event of each path, counted from `start`: `["/srv/lib/App.pm": 3]`.
  private var latest: [String: Int32] = [:]
  /// For each event its path and the event before it that has the same path; -1: none.
  private var events: [(path: String, before: Int32)] = []

  /// A history of no events, of which the first will stand at `start`.
  public init(from start: Int = 0) { self.start = start }

  /// The position after the last event.
  public var end: Int { start + events.count }

  /// Adds what happened next.
  public mutating func append(_ more: some Sequence<TraceEvent>) {
    for event in more {
      guard event.saysSomething else {
        events.append(("", -1))
        continue
      }
      let number = Int32(events.count)
      events.append((event.path, latest.updateValue(number, forKey: event.path) ?? -1))
    }
  }

  /// Adds what another history holds that begins where this one ends.
  public mutating func append(_ more: PathHistory) {
    for event in more.events {
      let number = Int32(events.count)
      events.append((event.path, event.path.isEmpty ? -1 : latest.updateValue(number, forKey: event.path) ?? -1))
    }
  }

  /// Forgets all events from a position on.
  public mutating func truncate(to position: Int) {
    while end > max(position, start), let event = events.popLast() {
      if !event.path.isEmpty { latest[event.path] = event.before < 0 ? nil : event.before }
    }
  }

  /// The positions of the events about a path, in order, as far as they lie before `limit`.
  public func positions(of path: String, before limit: Int = .max) -> [Int] {
    var positions: [Int] = []
    var number = latest[path] ?? -1
    while number >= 0 {
      if start + Int(number) < limit { positions.append(start + Int(number)) }
      number = events[Int(number)].before
    }
    return positions.reversed()
  }
}

extension TraceEvent {
  /// Whether it says anything about the disk.
  var saysSomething: Bool {
    switch self {
    case .ended, .library, .used, .entered: false
    case .began, .missing, .read, .listed, .tested, .measured, .written: true
    }
  }
}
