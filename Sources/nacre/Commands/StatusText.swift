import Supervision

/// `nacre status`, for a person.
struct StatusText {
  private(set) var lines: [String] = []

  /// - Parameters:
  ///   - status: What the server says.
  ///   - last: Its last reloads, the latest first.
  ///   - width: The columns of the terminal.
  init(_ status: ControlDocument.Status, _ last: [ControlDocument.Reload], width: Int) {
    add(
      "server", "\(status.addresses.joined(separator: " "))  \(status.name), \(status.environment), pid \(status.pid)")
    add("", "in \(status.directory), up \(Duration.since(status.startedAt) ?? "?")")
    add("state", Self.state(status))
    if let failure = status.failure { for line in failure.details { add("", "  " + line) } }
    if let generation = status.generation { add(generation) }
    if let text = Self.preload(status.preload) { add("preload", text) }
    if let kept = status.kept.last {
      add(
        "kept",
        "generation \(kept.number)\(kept.number == kept.loadedAs ? "" : " (code of \(kept.loadedAs))"): nacre rollback")
    }
    switch status.watching.trigger {
    case "manual": add("watching", "nothing: reloads on HUP and nacre reload only")
    case "touch": add("watching", "the touch file only, \(shown(status.watching.touchFile ?? ""))")
    default: break
    }
    for text in status.watching.polling { add("polling", text) }
    for (index, reload) in last.enumerated() {
      add(index == 0 ? "last" : "", "\(Duration.clock(reload.at))  \(reload.sentence)")
    }
    lines = lines.map { $0.count > width ? String($0.prefix(width - 3)) + "..." : $0 }
  }

  private mutating func add(_ title: String, _ text: String) {
    lines.append(title + String(repeating: " ", count: max(1, 12 - title.count)) + text)
  }

  private static func preload(_ preload: ControlDocument.Preload) -> String? {
    switch preload.state {
    case "verified":
      let hot = preload.hot.isEmpty ? "" : ", \(preload.hot.map(shown).joined(separator: " and ")) last"
      return "\(counted(preload.files, "file")) before the application\(hot)"
        + (preload.checked ? "" : " (to be checked again)")
    case "off": return "off: \(preload.reason ?? "")"
    case "natural": return preload.reason.map { "given up (\($0)); to be tried again" }
    default: return nil
    }
  }

  private static func state(_ status: ControlDocument.Status) -> String {
    switch status.state {
    case "failing": "failing: requests are answered with the error. " + shortened(status.failure?.sentence ?? "")
    case "loading": "loading, nothing has run yet"
    case "serving" where status.failure != nil:
      "serving, but not what is on the disk. " + shortened(status.failure?.sentence ?? "")
    case "serving" where status.reload != nil:
      "serving; loading generation \(status.reload!.generation)"
    default: status.state
    }
  }

  private mutating func add(_ generation: ControlDocument.Running) {
    let code = generation.number == generation.loadedAs ? "" : " (the code of generation \(generation.loadedAs))"
    add(
      "generation",
      "\(generation.number)\(code), \(counted(generation.files, "source file")), "
        + counted(generation.checkpoints.count, "checkpoint"))
    if generation.pinned { add("", "pinned by a roll back until the next change or nacre reload") }
    let busy = generation.workers.count { $0.state == "busy" }
    let requests = generation.workers.reduce(0) { $0 + $1.requests }
    let ready = generation.workers.count { $0.state != "starting" }
    add(
      "workers",
      "\(ready) of \(generation.workersWanted), \(busy) busy, \(counted(Int(requests), "request")) served")
    let long = generation.workers.filter { $0.busyFor ?? 0 >= 1000 }
    for worker in long {
      add("", "worker \(worker.pid ?? 0) has been busy for \(Duration.text(milliseconds: worker.busyFor ?? 0))")
    }
  }
}
