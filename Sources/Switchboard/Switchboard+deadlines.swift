import Glibc

extension Switchboard {
  /// Sets a connection's deadline anew, at least so many nanoseconds from now.
  func setDeadline(_ connection: Connection, _ kind: Deadlines.Kind, atLeast minimum: UInt64 = 0) {
    let deadline = deadlines.set(connection.slot, kind, now: loop.now, atLeast: minimum)
    // The timer may go off before anything is overdue; it is set anew then, and not with every deadline.
    if deadline < deadlineTimer?.at ?? .max { armDeadlines(deadline) }
  }

  private func armDeadlines(_ earliest: UInt64) {
    if let deadlineTimer { loop.cancel(deadlineTimer.timer) }
    let wait = earliest > loop.now ? earliest - loop.now : 0
    deadlineTimer = (loop.after(wait) { [unowned self] in endOverdue() }, earliest)
  }

  private func endOverdue() {
    deadlineTimer = nil
    while let (slot, kind) = deadlines.takeOverdue(loop.now) {
      let connection = connections[slot]!
      switch kind {
      case .idle, .send, .linger: close(connection)
      case .heartbeat: beat(connection)
      case .head where connection.isIntroducing: close(connection)
      case .head: answer(connection, .headTooSlow, isHead: false)
      case .body where goesOn(connection): break
      case .body: answer(connection, .bodyTooSlow, isHead: false)
      case .hold:
        if canLend {
          // It only waits for a worker, and that is bounded by the length of the line. It must not be overdue again in
          // this turn.
          setDeadline(connection, .hold, atLeast: 1_000_000_000)
        } else {
          answer(connection, .stillLoading(inDevelopment: settings.developmentMode), isHead: asksForHead(connection))
        }
      }
    }
    if deadlineTimer == nil, let earliest = deadlines.earliest { armDeadlines(earliest) }
  }
}
