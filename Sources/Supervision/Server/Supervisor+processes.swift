import Glibc
import ProcessProtocol
import ReloadModel
import Switchboard

/// Channels and ends of Perl processes.
extension Supervisor {
  /// Takes a new process in; false if its channel cannot be watched.
  func adopt(_ process: PerlProcess) -> Bool {
    guard let channel = process.channel else { return false }
    processes[process.token] = process
    do {
      try loop.watch(channel.descriptor, .readable) { [unowned self] _ in
        receiveSome(from: process)
      }
      return true
    } catch {
      report("\(error)")
      process.kill()
      return false
    }
  }

  /// Kills a process that has not done in time what it is to do.
  func limit(_ process: PerlProcess, to nanoseconds: UInt64) {
    unlimit(process)
    process.timer = loop.after(nanoseconds) { [unowned process] in process.send(signal: SIGKILL) }
  }

  func unlimit(_ process: PerlProcess) {
    if let timer = process.timer { loop.cancel(timer) }
    process.timer = nil
  }

  /// A process has been reaped: reads what it still had to say, and then lets it go.
  func finish(_ process: PerlProcess, _ ending: ProcessEnding) {
    process.reaped(ending)
    receive(from: process)
    depart(process, ending)
  }

  func forked(_ kind: ProcessKind, _ number: UInt32, _ descriptor: Int32?, by origin: PerlProcess) {
    if kind == .checkpoint {
      guard let descriptor else { return }
      let token = machine.makeToken()
      let process = PerlProcess(
        token: token, role: .checkpoint, channel: Channel(descriptor: descriptor), bornAt: loop.now)
      guard adopt(process) else { return forget(process) }
      handle(.checkpointLeft(Checkpoint(position: Int(number), process: token), by: origin.token))
      return
    }
    let token = ProcessToken(number: number)
    guard let descriptor else {
      endOrder(token, "its channel was lost: is the limit of open files too low?")
      return
    }
    let channel = Channel(descriptor: descriptor)
    // An order that has been given up: closing the channel ends a worker, and condemning it anything else.
    let order = orders.removeValue(forKey: token)
    if let order { loop.cancel(order.timer) }
    let process = PerlProcess(
      token: token, role: order?.role ?? .checkpoint, channel: channel, bornAt: loop.now)
    process.orderedAt = order?.at
    guard adopt(process) else {
      forget(process)
      if let cell = process.cell { freeCells.append(cell) }
      if order?.isCancelled == false { handle(.forkFailed(token, message: "its channel cannot be watched")) }
      return
    }
    guard let order, !order.isCancelled else {
      process.kill()
      return
    }
    limitLoad(of: process)
    if kind == .candidate { handle(.forked(token)) }
    // It is gone if it cannot be told, and that is told by its end.
    if kind == .worker { _ = channel.send(.serve) }
  }

  // MARK: Ends

  /// A worker leaves because it was asked to: the next one need not wait until this one's `END` blocks have run.
  func replace(_ process: PerlProcess) {
    process.isDismissed = true
    limit(process, to: drainTime + Self.second)
    handle(.ended(process.token, .init(ending: .exited(0))))
  }

  /// The other end of the channel is closed: the process is leaving, or somebody closed its descriptors.
  func channelEnded(_ process: PerlProcess) {
    if let channel = process.channel { loop.unwatch(channel.descriptor) }
    process.channel = nil
    guard let pid = process.pid else {
      depart(process, process.ending ?? .unknown)
      return
    }
    limit(process, to: drainTime + Self.second)
    awaitEnd(of: process, pid)
  }

  /// Usually the process ends a moment after its channel, and a signal tells. It may have been reaped by whatever else
  /// waits for children in this program.
  private func awaitEnd(of process: PerlProcess, _ pid: pid_t) {
    guard process.pid == pid else { return }
    var status: Int32 = 0
    switch waitpid(pid, &status, WNOHANG) {
    case pid: depart(process, ProcessEnding(waitStatus: status))
    case -1: depart(process, .unknown)
    default: loop.after(100_000_000) { [unowned self] in awaitEnd(of: process, pid) }
    }
  }

  /// Reaps whatever has ended; processes that are nobody's too, for `nacre` inherits the orphans. Processes that are
  /// stopped, or go on, are told in the same way.
  func reap() {
    var status: Int32 = 0
    while case let pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED), pid > 0 {
      let process = processes.values.first { $0.pid == pid }
      switch ProcessNews(waitStatus: status) {
      case .stopped(let signal):
        if let process { stopped(process, by: signal) } else { stops[pid] = signal }
      case .continued:
        stops[pid] = nil
        if let process { continued(process) }
      case .ended(let ending):
        stops[pid] = nil
        if let process {
          finish(process, ending)
        } else if let successor = restart.successor, pid == successor.pid {
          ended(successor, ending)
        } else if pid == failed?.pid {
          failed = nil
        } else if pid == guardian?.pid {
          guardianEnded()
        } else {
          if strays.count > 256 { strays.removeAll() }
          strays[pid] = (ending, loop.now)
        }
      }
    }
  }

  /// A process is gone and all that it sent has been read.
  private func depart(_ process: PerlProcess, _ ending: ProcessEnding) {
    guard processes[process.token] != nil else { return }
    forget(process)
    var departure = GenerationMachine.Departure(ending: ending, timeout: process.timeout, hook: process.hook)
    // One that has served has proved that others can: there is nothing to wait for.
    let hasServed = process.cell.map { scoreboard.cell($0).requests > 0 } ?? false
    departure.isQuick =
      !process.isDismissed && !hasServed && process.overdue == nil && loop.now - process.bornAt < Self.second
    if let cell = process.cell {
      if let location = scoreboard.cell(cell).location { (departure.file, departure.line) = location }
      if process.isWorker {
        switchboard.workerEnded(cell: cell, after: process.overdue.map { _ in settings.life.timeout })
      }
      if case .worker(_, let generation) = process.role { tally.add(scoreboard.cell(cell).counts, of: generation) }
      scoreboard.cell(cell).clear()
      freeCells.append(cell)
    }
    tell(of: process, ending, at: departure.file.map { ($0, departure.line) })
    // First, so that nothing is asked of it any more.
    handle(.ended(process.token, departure))
    for (token, order) in orders where order.origin == process.token {
      endOrder(token, "its origin \(ending)")
    }
    if case .leaving = stopping { finishIfEmpty() }
  }

  func forget(_ process: PerlProcess) {
    unlimit(process)
    if let timer = process.stop?.timer { loop.cancel(timer) }
    process.stop = nil
    if let channel = process.channel { loop.unwatch(channel.descriptor) }
    process.channel = nil
    process.reaped(process.ending)
    processes[process.token] = nil
  }

  // MARK: Loads that take too long

  private func limitLoad(of process: PerlProcess) {
    process.timer = loop.after(UInt64(settings.loadTimeout) * Self.second) { [unowned self, unowned process] in
      // One that is stopped is ended, but not for being slow.
      process.timeout = process.stop == nil ? Int32(settings.loadTimeout) : nil
      // The process writes where it is into its cell; a process that is beyond that is killed all the same.
      process.send(signal: SIGUSR2)
      awaitLocation(of: process, looks: 20)
    }
  }

  private func awaitLocation(of process: PerlProcess, looks: Int) {
    if looks == 0 || process.cell.map({ scoreboard.cell($0).location != nil }) ?? true {
      process.timer = nil
      process.send(signal: SIGKILL)
    } else {
      process.timer = loop.after(10_000_000) { [unowned self, unowned process] in
        awaitLocation(of: process, looks: looks - 1)
      }
    }
  }
}
