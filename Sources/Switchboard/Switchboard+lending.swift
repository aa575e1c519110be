import CLinux
import Glibc
import ProcessProtocol

extension Switchboard {
  /// How long to wait after the kernel refused a message, if no worker reports before.
  private static let retryInterval: UInt64 = 20_000_000

  /// A new lending queue, for a generation that is to be promoted.
  public func makeQueue() throws(SystemError) -> LendingQueue { try LendingQueue() }

  /// From now on requests go to this generation and to no other: publishes it, takes back what is lent over the old
  /// queue and claimed by nobody, and ends the old queue, so that its workers leave when they are idle. Ends a hold
  /// and clears ``answer``.
  public func promote(_ queue: LendingQueue, generation: UInt64, workers: Int) {
    scoreboard.publishedGeneration = generation
    takeBackUnclaimed()
    self.queue?.retire()
    self.queue = queue
    self.workers = workers
    answer = nil
  }

  /// Lends nothing more, and ends the queue, so that the workers leave when they are idle.
  public func retire() {
    takeBackUnclaimed()
    queue?.retire()
    queue = nil
    workers = 0
  }

  /// Whether requests go to workers just now, apart from how busy those are.
  var canLend: Bool { !isHeld && queue != nil && workers > 0 }

  /// Lends, or answers, as much of the line as may be.
  func lendWaiting() {
    repairWaiting()
    guard !line.isEmpty, !isHeld, !awaitsSuccessor, answer != nil || room > 0 else { return }
    if settings.developmentMode, let delegate {
      // Set before, so that a delegate that answers no and has changed its mind by then can call `resume()`.
      isHeld = true
      guard delegate.switchboardMayLend() else { return }
      isHeld = false
    }
    // The delegate may have promoted or rejected a generation.
    if let answer {
      while let slot = line.first { self.answer(connections[slot]!, answer) }
      return
    }
    guard let queue else { return }
    var room = room
    while room > 0, let slot = line.first {
      guard lend(connections[slot]!, over: queue) else { return }
      room -= 1
    }
  }

  /// How many more connections may be lent. Forgets the unclaimed ones that have been claimed.
  private var room: Int {
    guard queue != nil else { return 0 }
    var next = unclaimed.first
    while let slot = next {
      next = unclaimed.slot(after: slot)
      if currentWord(slot).owner != ClaimWord.nobody { unclaimed.remove(slot) }
    }
    return 2 * workers - unclaimed.count
  }

  /// What the shared memory says about a slot now.
  func currentWord(_ slot: Int) -> ClaimWord { ClaimWord(rawValue: cl_load64(scoreboard.claim(slot))) }

  /// Sends a connection of the line to the workers; false if the kernel takes no more for now.
  private func lend(_ connection: Connection, over queue: LendingQueue) -> Bool {
    let kept = connection.word
    store(connection, kept.nextLoan())
    var loan = Loan(
      slot: UInt32(connection.slot), word: connection.word, family: connection.peer.family,
      peerPort: connection.peer.port, localPort: connection.peer.localPort, peerAddress: connection.peer.address)
    loan.isTrusted = connection.isTrusted
    loan.isSecure = connection.peer.isSecure
    var fds: (Int32, Int32) = (connection.fd, -1)
    if connection.peer.isPair {
      (loan.isPair, loan.isHTTP2) = (true, connection.peer.isHTTP2)
      loan.localAddress = connection.peer.localAddress
    }
    if let body = connection.body {
      loan.hasBody = true
      loan.bodyLength = body.length
      fds.1 = body.fd
    }
    loan.store(in: message.baseAddress!)
    connection.carried.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(rebasing: message[Loan.headerSize...]).copyMemory(from: $0)
    }
    let sent = withUnsafeBytes(of: &fds) {
      cl_send_message(
        queue.sendingEnd, message.baseAddress!, Loan.headerSize + connection.carried.count,
        $0.baseAddress!.assumingMemoryBound(to: Int32.self), loan.hasBody ? 2 : 1, Int32(MSG_DONTWAIT))
    }
    guard sent >= 0 else {
      let code = errno
      store(connection, kept)
      if code == EMSGSIZE {
        answer(connection, .notLent, isHead: asksForHead(connection))
        return true
      }
      retryLater(code)
      return false
    }
    said.remove(.lending)
    line.remove(connection.slot)
    deadlines.remove(connection.slot)
    connection.state = .lent
    lent.append(connection.slot)
    unclaimed.append(connection.slot)
    awaitClaim()
    return true
  }

  /// A worker that has received a connection and not claimed it within this time may have been stopped in between, or
  /// sleep in the system: another one is to have the connection.
  private static let claimPatience: UInt64 = 250_000_000

  private func awaitClaim() {
    guard claimTimer == nil else { return }
    oldestLoan = unclaimed.first.map { ($0, connections[$0]!.word) }
    claimTimer = loop.after(Self.claimPatience) { [unowned self] in
      claimTimer = nil
      if let (slot, word) = oldestLoan, unclaimed.contains(slot), currentWord(slot) == word { recall() }
      _ = room
      if !unclaimed.isEmpty { awaitClaim() }
    }
  }

  /// Takes back whatever no worker has claimed, be it in the queue or not, and lends it again.
  public func recall() {
    guard let queue, !unclaimed.isEmpty else { return }
    queue.empty()
    takeBackUnclaimed()
    scheduleTurnEnd()
  }

  /// `EAGAIN`: the queue is full; `ETOOMANYREFS`: too many descriptors of this user are under way, in any process.
  /// Neither is told by the socket becoming writable: a worker's next report tells, or a moment's wait.
  private func retryLater(_ code: Int32) {
    if code != EAGAIN, code != ETOOMANYREFS {
      reportOnce(.lending, "cannot lend a connection: \(SystemError.reason(code)); trying again")
    }
    guard retryTimer == nil else { return }
    retryTimer = loop.after(Self.retryInterval) { [unowned self] in
      retryTimer = nil
      scheduleTurnEnd()
    }
  }

  // MARK: Taking back

  /// Takes a lent connection back into the front of the line, unless a worker claims it first.
  func takeBack(_ connection: Connection) -> Bool {
    let mine = connection.word.owned(by: ClaimWord.switchboard)
    guard cl_swap64(scoreboard.claim(connection.slot), connection.word.rawValue, mine.rawValue) else { return false }
    connection.word = mine
    lent.remove(connection.slot)
    unclaimed.remove(connection.slot)
    enterLine(connection, inFront: true)
    return true
  }

  /// Takes back whatever no worker has claimed, in its order.
  func takeBackUnclaimed() {
    var next = unclaimed.last
    while let slot = next {
      next = unclaimed.slot(before: slot)
      if !takeBack(connections[slot]!) { unclaimed.remove(slot) }
    }
  }

  // MARK: The count of the waiting

  /// The connections that wait, as the claim words tell.
  private var countedWaiting: Int64 {
    var count = Int64(line.count)
    var next = unclaimed.first
    while let slot = next {
      next = unclaimed.slot(after: slot)
      if currentWord(slot).owner == ClaimWord.nobody { count += 1 }
    }
    return count
  }

  /// Puts the shared count right after a worker's death: it may have claimed a connection and died before it counted
  /// that. Another worker may be between the two just now; then the count becomes too low, which ``repairWaiting()``
  /// sees.
  func recountWaiting() {
    let counted = countedWaiting
    scoreboard.addWaiting(counted - scoreboard.waiting)
  }

  /// A worker counts a connection out after it has claimed it, so the shared count, read first, is never too low by
  /// that; if it is, ``recountWaiting()`` was too early.
  private func repairWaiting() {
    let shared = scoreboard.waiting
    guard shared < Int64(scoreboard.slotCount) else { return }
    let counted = countedWaiting
    if shared < counted { scoreboard.addWaiting(counted - shared) }
  }
}

extension ClaimWord {
  /// The word of the next loan. A slot's words never repeat: when the epochs are used up the serial goes on.
  func nextLoan() -> ClaimWord {
    epoch < .max
      ? ClaimWord(serial: serial, epoch: epoch + 1, owner: Self.nobody)
      : ClaimWord(serial: serial &+ 1, epoch: 0, owner: Self.nobody)
  }
}
