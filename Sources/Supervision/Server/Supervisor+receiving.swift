import Glibc
import ProcessProtocol
import ReloadModel
import Switchboard

/// What Perl processes say.
extension Supervisor {
  /// The most messages that are received from one process before others get their turn.
  private static let batch = 64

  /// So many messages of a load are received one by one; from then on those of each millisecond together. To wake `nacre`
  /// for each of the thousand messages of a load of 500 files costs that load 5 to 10 % of its time, and nobody waits for
  /// what they say. A load of a few files is not delayed.
  private static let promptMessages = 40

  /// Something has come from a process.
  func receiveSome(from process: PerlProcess) {
    receive(from: process, atMost: Self.batch)
    restIfLoading(process)
  }

  /// Receives what a process has sent, and takes it.
  func receive(from process: PerlProcess, atMost limit: Int = .max) {
    var count = 0
    while count < limit, let channel = process.channel {
      switch channel.receive(into: buffer) {
      case .message(let length, let descriptors):
        take(UnsafeRawBufferPointer(rebasing: buffer[..<length]), descriptors, from: process)
      case .nothing: return
      case .ended:
        channelEnded(process)
        return
      }
      count += 1
    }
  }

  /// Lets what a long load tells pile up for a millisecond. Its end, if it comes, is told at once.
  private func restIfLoading(_ process: PerlProcess) {
    guard process.loadMessages > Self.promptMessages, let channel = process.channel else { return }
    loop.change(channel.descriptor, [])
    loop.after(1_000_000) { [unowned self, weak process] in
      if let channel = process?.channel { loop.change(channel.descriptor, .readable) }
    }
  }

  private func take(_ message: UnsafeRawBufferPointer, _ descriptors: [Int32], from process: PerlProcess) {
    if message.first == Return.tag, process.isWorker, let cell = process.cell {
      switchboard.handleReturn(message, fds: descriptors, from: cell)
      return
    }
    var descriptors = descriptors
    do {
      take(try Notice(decoding: message), &descriptors, from: process)
    } catch {
      report("a Perl process sent what nacre does not understand (\(error)): is its Nacre.so of this version?")
      process.kill()
    }
    for descriptor in descriptors { Glibc.close(descriptor) }
  }

  private func take(_ notice: Notice, _ descriptors: inout [Int32], from process: PerlProcess) {
    let token = process.token
    switch notice {
    case .hello(let pid): greet(process, pid)
    case .baseReady(let loaded):
      unlimit(process)
      process.timeout = nil
      if let pid = process.pid { noteRuntime(of: pid, loaded) }
      handle(.baseReady(token, loaded: loaded))
    case .forked(let kind, let number): forked(kind, number, descriptors.popLast(), by: process)
    case .forkFailed(let number, let message): endOrder(ProcessToken(number: number), message)
    case .dropCheckpoints(let positions):
      handle(.checkpointsDropped(positions: positions.map(Int.init), by: token))
    case .trace(let events):
      // What a worker loads may have a new name at each request: such names are not kept.
      let events = process.isWorker ? freshness.takeWrites(of: events) : journal.shared(events)
      if !process.isWorker { process.loadMessages += 1 }
      if !events.isEmpty { handle(.traced(token, events)) }
    case .loaded(let summary):
      process.loadMessages = 0
      unlimit(process)
      process.timeout = nil
      if !isOfExamination(process) { tell(summary) }
      handle(.loaded(token))
    case .failed(let failure):
      unlimit(process)
      handle(.failed(token, failure))
    case .startHook(let place): process.hook = place
    case .timeline(let timeline): journal.note(timeline, of: token)
    case .workerReady:
      unlimit(process)
      process.timeout = nil
      process.hook = nil
      noteStart(of: process)
      handle(.workerReady(token))
    case .report(let text): if !isOfExamination(process) { report(text) }
    case .objections(let objections): handle(.objected(token, objections))
    case .census(let differences, let first):
      unlimit(process)
      process.isDismissed = true
      handle(.censusTaken(token, differences: Int(differences), first: first))
    case .leaving: replace(process)
    }
  }

  private func noteStart(of process: PerlProcess) {
    guard case .worker(_, let generation) = process.role, let pid = process.pid, let ordered = process.orderedAt
    else { return }
    let now = EventLoop.clock()
    journal.note(
      .init(pid: pid, ordered: ordered, forked: min(max(process.bornAt, ordered), now), ready: now), of: generation)
  }

  private func greet(_ process: PerlProcess, _ pid: pid_t) {
    process.pid = pid
    if process.isCondemned { process.send(signal: SIGKILL) }
    if let stop = stops.removeValue(forKey: pid) { stopped(process, by: stop) }
    if let stray = strays.removeValue(forKey: pid), loop.now - stray.at < Self.second { finish(process, stray.ending) }
  }
}
