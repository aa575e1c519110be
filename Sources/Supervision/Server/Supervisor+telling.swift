import FileWatching
import Glibc
import ProcessProtocol
import ReloadModel
import Switchboard

/// What people are told.
extension Supervisor {
  /// Says something once.
  func report(_ text: String) {
    if reported.count > 1000 { reported.removeAll() }
    guard reported.insert(text).inserted else { return }
    log.warn(text)
    publish("report", text: text)
  }

  func tell(_ promotion: GenerationMachine.Promotion) {
    if promotion.isFirst {
      log.inform(
        "\(addresses) serves \(settings.applicationName) (generation "
          + "\(promotion.generation), \(count(promotion.workers, "worker")), \(settings.environment), pid \(getpid()))")
    } else if promotion.way == .preload {
      log.inform(
        "generation \(promotion.generation) is the code of generation \(promotion.loadedAs), with "
          + "\(count(machine.preloading.order.files.count, "file")) loaded before the application: no difference was found"
      )
    } else if promotion.way == .rollBack {
      let until = machine.pin == nil ? "" : ", until the next save or `nacre reload`"
      log.inform(
        "generation \(promotion.generation) by roll back: the code of generation \(promotion.loadedAs) again\(until)")
    } else {
      let time = freshness.touchedAt.map { (EventLoop.clock() - $0) / 1_000_000 } ?? 0
      log.inform(
        "generation \(promotion.generation) by \(promotion.way.rawValue) in \(time) ms\(named(promotion.files))")
    }
    tellHowFilesAreWatched()
  }

  /// Which files are polled, and why; each cause is told once, and so is its end.
  func tellHowFilesAreWatched() {
    let watcher = freshness.watcher
    if watcher.pollCauses.isEmpty {
      for text in pollNews.sentences(for: [:]) { log.inform(text) }
    } else {
      for text in pollNews.sentences(for: watcher.pollCauses) {
        if watcher.isPolling { log.inform(text) } else { log.warn(text) }
      }
    }
    if let reason = watcher.incompleteReason { report(reason) }
  }

  /// A file that would have had the application reloaded for ever.
  func tell(_ verdict: SelfWriting.Verdict) {
    if let directory = verdict.directory {
      log.warn(
        "the application itself wrote \(verdict.file), and such files caused the last \(verdict.rounds) reloads: what it "
          + "writes in \(directory) starts no reload any more (what others change there does); --ignore it to say so at once"
      )
    } else {
      log.warn(
        "\(verdict.file) was written again after each of the last \(verdict.rounds) reloads that it caused: it is not "
          + "watched any more; --ignore it to say so at once")
    }
  }

  /// The touch file was touched, and what it lists has not changed.
  func tell(touchedInVain line: String, _ list: ModulePatterns) {
    guard case .touch(let file) = freshness.trigger else { return }
    let words = line.split(whereSeparator: \.isWhitespace).joined(separator: " ").prefix(200)
    let unknown = list.unknown.isEmpty ? "" : " (\(list.unknown.prefix(3).joined(separator: ", ")): no module's name)"
    log.inform("\(file) was touched and lists \(words)\(unknown): none of that has changed, so nothing is reloaded")
  }

  /// `: lib/My/App.pm, app.psgi and 3 more`.
  private func named(_ files: [String]) -> String {
    guard !files.isEmpty else { return "" }
    let directory = absolute(".") + "/"
    let names = files.prefix(3).map { $0.hasPrefix(directory) ? String($0.dropFirst(directory.count)) : $0 }
    let more = files.count - names.count
    return ": " + names.joined(separator: ", ") + (more > 0 ? " and \(more) more" : "")
  }

  func count(_ number: Int, _ thing: String) -> String { number == 1 ? "1 \(thing)" : "\(number) \(thing)s" }

  /// What a load has left that all workers will share.
  func tell(_ summary: LoadSummary) {
    journal.note(summary.sockets)
    for socket in summary.sockets {
      report(
        "\(socket.file) opened a socket (\(socket.description)) while it loaded: all workers share it. Open it in "
          + "Nacre->on_worker_start or in the first request instead")
    }
    for database in summary.databases {
      report(
        "\(database.file) opened the SQLite database \(database.path) while it loaded: all workers share the connection, "
          + "which SQLite does not allow and which may damage the file. Connect in Nacre->on_worker_start or in the "
          + "first request instead")
    }
    if summary.timer {
      report("a timer (alarm) was running when the application had loaded; workers do not inherit it")
    }
  }

  /// The unexpected end of a worker.
  func tell(of process: PerlProcess, _ ending: ProcessEnding, at location: (file: String, line: UInt32)?) {
    guard process.isWorker, process.hook == nil, !process.isDismissed, stopping == .no, let pid = process.lastPid else {
      return
    }
    switch ending {
    case .killed where process.overdue != nil: tell(process.overdue!, of: pid, at: location)
    case .exited(0), .unknown: break
    case .exited, .killed:
      log.warn("worker \(pid) \(ending); another one takes its place")
      publish("worker-died", pid: pid, text: "\(ending)")
    }
  }
}
