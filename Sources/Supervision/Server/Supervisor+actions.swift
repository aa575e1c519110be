import CLinux
import Glibc
import ProcessProtocol
import ReloadModel
import Switchboard

extension Supervisor {
  func perform(_ action: GenerationMachine.Action) {
    switch action {
    case .startBase(let process): startBase(process)
    case .forkCandidate(let process, let origin, let generation, let plan):
      forkCandidate(process, from: origin, generation: generation, plan: plan)
    case .forkTrial(let process, let origin, let generation, let plan):
      forkTrial(process, from: origin, generation: generation, plan: plan)
    case .takeCensus(let process, let mold, let census): takeCensus(process, from: mold, census)
    case .forkWorker(let process, let mold, let generation):
      forkWorker(process, from: mold, generation: generation)
    case .close(let process): close(process)
    case .kill(let process): kill(process)
    case .look(let subject):
      // A roll back takes the place of a candidate, and its workers listen to none that were killed.
      if subject == .pin { candidateQueue = nil }
      look(subject)
    case .wake(let seconds):
      loop.after(UInt64(seconds) * Self.second) { [unowned self] in handle(.woke) }
    case .promote(let promotion): promote(promotion)
    case .retire(let workers): retire(workers)
    case .countWorkers(let count): switchboard.setWorkers(count)
    case .reject(let failure, let generation, let running):
      reject(failure, generation: generation, running: running)
    case .forgive(let generation): forgive(generation)
    case .resume(let generation): resume(generation)
    case .refuse(let reason): log.warn(reason)
    case .giveUp(let failure, let generation): giveUp(failure, generation: generation)
    case .inform(let text): log.inform(text)
    case .report(let text): report(text)
    case .warn(let text): log.warn(text)
    }
  }

  // MARK: Making processes

  private func startBase(_ token: ProcessToken) {
    do throws(StartupError) {
      try renewPerl()
    } catch {
      report("\(error)")
      return handle(.ended(token, .init(ending: .unknown, isQuick: true)))
    }
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      report("\(SystemError("make a channel"))")
      handle(.ended(token, .init(ending: .unknown, isQuick: true)))
      return
    }
    defer { Glibc.close(ends[1]) }
    let channel = Channel(descriptor: ends[0])
    workersSeeEvents = freshness.inheritedDescriptor >= 0
    do {
      let pid = try Spawning.start(
        perl.program, baseArguments(channel: ends[1]),
        keeping: [ends[1], scoreboard.descriptor] + [freshness.inheritedDescriptor].filter { $0 >= 0 })
      let process = PerlProcess(token: token, role: .base, channel: channel, pid: pid, bornAt: loop.now)
      guard adopt(process) else { return }
      if !channel.send(.configure(freshness.runSettings)) { process.kill() }
      process.timer = loop.after(UInt64(settings.loadTimeout) * Self.second) { [unowned self, unowned process] in
        process.timeout = Int32(settings.loadTimeout)
        process.send(signal: SIGKILL)
      }
    } catch {
      report("\(error)")
      handle(.ended(token, .init(ending: .unknown, isQuick: true)))
    }
  }

  private func baseArguments(channel: Int32) -> [String] {
    (settings.debugs ? ["-d"] : []) + [
      "-I\(settings.perlLibrary)", "-MNacre::Host", "-e", "Nacre::Host::main()", "--",
      "so=\(extensionLibrary)", "channel=\(channel)", "scoreboard=\(scoreboard.descriptor)",
      "inotify=\(freshness.inheritedDescriptor)", "nacre=\(getpid())",
    ]
  }

  private func forkCandidate(_ token: ProcessToken, from origin: ProcessToken, generation: UInt64, plan: LoadPlan) {
    candidateQueue = nil
    // Once it is forked: it loads meanwhile.
    defer { freshness.begin(machine) }
    guard let cell = takeCell() else {
      handle(.forkFailed(token, message: "no cell of the scoreboard is free"))
      return
    }
    order(
      token, .candidate(cell: cell), from: origin,
      .forkCandidate(generation: generation, token: token.number, cell: UInt32(cell), plan: plan))
  }

  private func forkWorker(_ token: ProcessToken, from mold: ProcessToken, generation: UInt64) {
    do {
      let queue: LendingQueue
      if generation == machine.running?.number, let running = self.queue {
        queue = running
      } else {
        queue = try candidateQueue ?? switchboard.makeQueue()
        candidateQueue = queue
      }
      guard let cell = takeCell() else {
        handle(.forkFailed(token, message: "no cell of the scoreboard is free"))
        return
      }
      order(
        token, .worker(cell: cell, generation: generation), from: mold,
        .forkWorker(token: token.number, cell: UInt32(cell), generation: generation), [queue.receivingEnd])
    } catch {
      handle(.forkFailed(token, message: "\(error)"))
    }
  }

  /// Has a process forked.
  func order(
    _ token: ProcessToken, _ role: PerlProcess.Role, from origin: ProcessToken, _ command: Command,
    _ descriptors: [Int32] = []
  ) {
    let timer = loop.after(Self.patience) { [unowned self] in
      failOrder(token, "it was not forked in \(Self.patience / Self.second) s")
    }
    orders[token] = Order(role: role, origin: origin, timer: timer, at: EventLoop.clock())
    guard let process = processes[origin] else { return endOrder(token, "its origin is gone") }
    guard process.channel?.send(command, descriptors: descriptors) == true else {
      // It does not read its channel, or has been killed just now. What waits for the order learns of its end.
      return process.send(signal: SIGKILL)
    }
    endIfStopped(process)
  }

  /// A process that was asked for has not come: whatever was to fork it hangs, so that one is ended. What waits for the
  /// order learns of that end.
  private func failOrder(_ token: ProcessToken, _ message: String) {
    guard let order = orders[token], !order.isCancelled, let origin = processes[order.origin] else { return }
    report("a process did not fork in \(Self.patience / Self.second) s: it is ended")
    origin.send(signal: SIGKILL)
    // Not even that may help. Then the process may come yet, so its cell stays its own until it has come and gone, or
    // its origin has.
    loop.after(Self.second) { [unowned self] in
      guard orders[token]?.isCancelled == false else { return }
      orders[token]?.isCancelled = true
      handle(.forkFailed(token, message: message))
    }
  }

  /// A process that was asked for will not come.
  func endOrder(_ token: ProcessToken, _ message: String) {
    guard let order = orders.removeValue(forKey: token) else { return }
    loop.cancel(order.timer)
    switch order.role {
    case .candidate(let cell), .worker(let cell, _): freeCells.append(cell)
    case .base, .checkpoint, .census: break
    }
    if !order.isCancelled { handle(.forkFailed(token, message: message)) }
  }

  /// A cell of the scoreboard for a new process.
  func takeCell() -> Int? {
    guard let cell = freeCells.popLast() else { return nil }
    scoreboard.cell(cell).clear()
    return cell
  }

  // MARK: Ending processes

  private func close(_ token: ProcessToken) {
    guard let process = processes[token], let channel = process.channel else { return }
    // A worker that is being forked may take a request at once, and its channel comes over this one. At the end of the
    // server that request is waited for.
    if stopping != .no, orders.values.contains(where: { $0.origin == token }) { return }
    process.isDismissed = true
    // Its end is not to take time from the generation that has just begun.
    if stopping == .no, let pid = process.pid { cl_put_behind(pid) }
    loop.unwatch(channel.descriptor)
    process.channel = nil
    // A process whose hello was never read can only be reaped as a stray.
    if process.pid == nil { forget(process) }
  }

  private func kill(_ token: ProcessToken) {
    orders[token]?.isCancelled = true
    processes[token]?.kill()
  }

  private func retire(_ workers: [ProcessToken]) {
    for token in workers { processes[token]?.isDismissed = true }
    loop.after(drainTime) { [unowned self] in
      for token in workers { processes[token]?.kill() }
    }
  }

  // MARK: Generations

  private func promote(_ promotion: GenerationMachine.Promotion) {
    guard let next = candidateQueue else { return }
    switchboard.promote(next, generation: promotion.generation, workers: promotion.workers)
    queue = next
    candidateQueue = nil
    runningSince = time(nil)
    toldRejection = nil
    tell(promotion)
    for verdict in freshness.promoted(by: promotion.isFirst ? [] : promotion.files, way: promotion.way) {
      tell(verdict)
      handle(.stoppedFollowing([verdict.file]))
    }
    begin()
    loop.after(Self.second) { [unowned self] in
      guard isFresh else { return }
      freshness.tidy(machine)
      guard machine.settings.sparesMemory else { return }
      cl_give_memory_back()
      if promotion.isFirst { cl_give_code_back() }
    }
  }

  private func resume(_ generation: UInt64) {
    switchboard.answer = nil
    log.inform("rolled back: generation \(generation) answers again, until the next save or `nacre reload`")
  }
}
