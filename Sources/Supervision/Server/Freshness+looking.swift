import FileWatching
import ReloadModel

/// How the disk differs from what was loaded.
extension Freshness {
  /// Which of the files that differ make a difference.
  private enum Counting {
    /// All: somebody asked for a reload.
    case all
    /// All but what is ignored: a reload is under way or has failed.
    case notIgnored
    /// Those that trigger a reload; then it takes the others, too.
    case triggers(ReloadTriggers)
  }

  /// A candidate was ordered.
  func begin(_ machine: GenerationMachine) {
    guard let candidate = machine.candidate else { return }
    noteInheritance(machine)
    comparisons.begin(candidate.generation, after: machine.running, restless: machine.restless.count)
  }

  /// Compares with the disk what the machine asks about.
  func look(_ subject: GenerationMachine.Subject, _ machine: GenerationMachine) -> GenerationMachine.Findings {
    defer {
      comparisons.keep(only: [
        machine.running?.loader, machine.candidate?.process, machine.unwanted?.loader, machine.baseProcess,
      ])
    }
    switch subject {
    case .candidate:
      guard let generation = machine.candidate?.generation else { return .candidate(.none) }
      return .candidate(difference(generation, machine, .notIgnored, isTrigger: false))
    case .pin:
      return .pin(
        (machine.candidate?.generation ?? machine.running).map {
          difference($0, machine, .notIgnored, isTrigger: false)
        } ?? .none,
        former: machine.unwanted.map { difference($0, machine, .notIgnored, isTrigger: false) } ?? .none)
    case .running, .additions:
      return look(machine, everything: subject == .running)
    }
  }

  private func look(_ machine: GenerationMachine, everything: Bool) -> GenerationMachine.Findings {
    let counting = counting(machine)
    let running = machine.running.map { difference($0, machine, counting, everything: everything) } ?? .none
    isTriggered = !running.isEmpty
    return .running(
      running,
      rejected: machine.unwanted.map { difference($0, machine, .notIgnored, everything: everything) } ?? .none,
      base: machine.baseProcess.map {
        difference(
          Generation(number: 0, loader: $0, trace: machine.baseTrace), machine, counting, everything: everything)
      } ?? .none)
  }

  private func counting(_ machine: GenerationMachine) -> Counting {
    if machine.isDemanded { return .all }
    if isTriggered || machine.unwanted != nil { return .notIgnored }
    var triggers = triggers
    if let touchList { triggers.modules = touchList.takesAll ? nil : touchList }
    return .triggers(triggers)
  }

  /// `isTrigger` is false for a candidate that is compared with the disk: what is ignored does not make it void.
  private func difference(
    _ generation: Generation, _ machine: GenerationMachine, _ counting: Counting, isTrigger: Bool = true,
    everything: Bool = false
  ) -> Difference {
    let changes = comparisons.changes(
      generation.loader, generation.trace, generation.lazily, restless: machine.restless.count,
      everything: everything || watcher.polls || !isAutomatic)
    let notIgnored = changes.all.filter { !triggers.patterns.ignores($0.path) }
    let all: [Changes.Change]
    switch counting {
    case .all: all = changes.all
    case .notIgnored: all = isTrigger && !notIgnored.isEmpty ? changes.all : notIgnored
    case .triggers(let triggers):
      all = changes.all.contains { triggers.triggers($0.path, names: names) } ? changes.all : []
    }
    guard !all.isEmpty else { return .none }
    let isPinned = machine.pin != nil || machine.candidate?.pin != nil
    return Difference(
      files: all.map(\.path), position: all.compactMap(\.position).min(),
      digest: isPinned ? digest(of: notIgnored) : 0)
  }
}
