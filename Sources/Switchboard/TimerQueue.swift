extension EventLoop {
  /// A call that is to come; see ``EventLoop/after(_:_:)``.
  public struct Timer: Equatable, Sendable {
    let deadline: UInt64
    let serial: UInt64
  }
}

/// The timers of a loop, latest first, so that the next one is popped from the end. There are few of them: what many
/// connections wait for is kept in lists (``Deadlines``).
struct TimerQueue {
  private var entries: [(timer: EventLoop.Timer, action: () -> Void)] = []
  private var lastSerial: UInt64 = 0

  /// When the next timer is due, in nanoseconds of `CLOCK_MONOTONIC`.
  var earliest: UInt64? { entries.last?.timer.deadline }

  mutating func add(at deadline: UInt64, _ action: @escaping () -> Void) -> EventLoop.Timer {
    lastSerial += 1
    let timer = EventLoop.Timer(deadline: deadline, serial: lastSerial)
    // Equal deadlines fire in the order in which they were set.
    let index = entries.firstIndex { $0.timer.deadline <= deadline } ?? entries.count
    entries.insert((timer, action), at: index)
    return timer
  }

  mutating func remove(_ timer: EventLoop.Timer) {
    if let index = entries.firstIndex(where: { $0.timer == timer }) { entries.remove(at: index) }
  }

  mutating func takeDue(_ now: UInt64) -> (() -> Void)? {
    guard let earliest, earliest <= now else { return nil }
    return entries.removeLast().action
  }
}
