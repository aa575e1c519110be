import CLinux
import Glibc
import ProcessProtocol

extension Switchboard {
  /// Takes in a ``Return`` from the worker in this cell; all descriptors that came with it are taken over.
  ///
  /// A message that does not fit the connection's claim word (which only a faulty worker sends) changes nothing.
  public func handleReturn(_ message: UnsafeRawBufferPointer, fds: [Int32], from cell: Int) {
    var fds = fds
    defer { for fd in fds { Glibc.close(fd) } }
    guard let given = Return(message), let connection = lentConnection(given, to: cell) else { return }
    scheduleTurnEnd()
    if given.outcome == .truncated { return handleTruncated(connection) }

    lent.remove(connection.slot)
    unclaimed.remove(connection.slot)
    store(connection, given.word.owned(by: ClaimWord.switchboard))
    connection.truncations = 0
    connection.body = nil
    let carried = UnsafeRawBufferPointer(rebasing: message[Return.headerSize...])
    guard carried.count <= Loan.maximumCarried else { return close(connection) }
    clearCarried(connection)
    connection.carried.append(contentsOf: carried)
    if given.restLength > 0 {
      guard !fds.isEmpty else { return close(connection) }
      let rest = ResponseRest(
        file: fds.removeFirst(), offset: given.restOffset, length: given.restLength, keeps: given.outcome != .close)
      connection.state = .sendingRest(rest)
      setDeadline(connection, .send)
      return send(connection, rest)
    }
    switch given.outcome {
    case .keep: park(connection)
    case .tooOld:
      connection.comesFirst = true
      park(connection)
    case .close: finish(connection)
    case .truncated: break
    }
  }

  /// The connection that a return is about, if the claim word agrees.
  private func lentConnection(_ given: Return, to cell: Int) -> Connection? {
    let slot = Int(given.slot)
    guard slot < scoreboard.slotCount, lent.contains(slot), currentWord(slot) == given.word else { return nil }
    let owner = given.outcome == .truncated ? ClaimWord.nobody : UInt16(cell + 1)
    return given.word.owner == owner ? connections[slot] : nil
  }

  /// The descriptor did not fit into the worker's table.
  private func handleTruncated(_ connection: Connection) {
    guard takeBack(connection) else { return }
    connection.truncations += 1
    reportOnce(.truncation, "a worker has no room for another descriptor; is its limit of open files too low?")
    if connection.truncations > 16 { answer(connection, .notLent, isHead: asksForHead(connection)) }
  }

  /// Settles what a worker has left behind. To be called once its channel has been read to the end, and before its
  /// cell is cleared: the cell's phase tells how far it came. `seconds`: after which it was ended, if it took too long.
  public func workerEnded(cell: Int, after seconds: Int? = nil) {
    let (owner, phase) = (UInt16(cell + 1), scoreboard.cell(cell).phase)
    takeBackUnclaimed()
    var next = lent.first
    while let slot = next {
      next = lent.slot(after: slot)
      guard currentWord(slot).owner == owner else { continue }
      settle(
        connections[slot]!, phase,
        seconds.map(Answer.tookTooLong) ?? .workerDied(inDevelopment: settings.developmentMode))
    }
    recountWaiting()
    scheduleTurnEnd()
  }

  /// Decides about a connection whose owner is gone.
  private func settle(_ connection: Connection, _ phase: WorkerPhase, _ reason: Answer) {
    lent.remove(connection.slot)
    unclaimed.remove(connection.slot)
    store(connection, connection.word.owned(by: ClaimWord.switchboard))
    switch phase {
    case .starting, .idle:
      // It died right after it claimed the connection: nothing has been read.
      scoreboard.addWaiting(1)
      enterLine(connection, inFront: true)
    case .betweenRequests where connection.carried.isEmpty, .cleaningUp where connection.carried.isEmpty:
      park(connection)
    // What was carried may have been served or not, so it can neither be served again nor be forgotten.
    case .betweenRequests, .cleaningUp, .inRequest: answer(connection, reason, isHead: false)
    case .responding: close(connection)
    }
  }
}
