import FileWatching
import ProcessProtocol
import ReloadModel
import SourceFiles
import Switchboard

/// What has been watched of the loads that the machine knows, so that a further load costs what is new in it.
struct WatchedLoads {
  /// How many of a load's events, and of what its workers loaded, are watched; `first` is where its own events begin.
  struct Extent: Equatable {
    var first = 0
    var events = 0
    var lazily = 0
  }

  /// After a respawn two generations have one load, and each its own workers.
  private struct Key: Hashable {
    var loader: ProcessToken
    var number: UInt64
  }

  private var extents: [Key: Extent] = [:]
  /// The paths that were taken out of all traces.
  var restless = 0
  /// How many events were added since everything was watched, and how many there were then.
  var added = 0
  var whole = 0
  /// The load that ``Freshness/sources`` and the like are about.
  var noted: ProcessToken?

  subscript(_ load: Generation) -> Extent {
    get {
      if let extent = extents[Key(loader: load.loader, number: load.number)] { return extent }
      // The same load under another number.
      let others = extents.filter { $0.key.loader == load.loader }.values
      guard let other = others.max(by: { $0.events < $1.events }) else { return Extent() }
      return Extent(first: other.first, events: min(other.events, load.trace.events.count))
    }
    set { extents[Key(loader: load.loader, number: load.number)] = newValue }
  }

  /// Whether what is watched of a load is the beginning of what it is now.
  func isBeginning(of load: Generation) -> Bool {
    let extent = self[load]
    return extent.events <= load.trace.events.count && extent.lazily <= load.lazily.count
  }

  /// Whether so much has been added that much of it may be of no use any more.
  var isCrowded: Bool { added > 1000 + whole / 8 }
}

extension Freshness {
  /// The loads on which anything depends, the running one first.
  private func loads(_ machine: GenerationMachine) -> [Generation] {
    let base = machine.baseProcess.map { Generation(number: 0, loader: $0, trace: machine.baseTrace) }
    return [machine.running, machine.candidate?.generation, machine.unwanted, base].compactMap(\.self)
  }

  /// A candidate was ordered: what it inherits is watched already.
  func noteInheritance(_ machine: GenerationMachine) {
    guard let running = machine.running, let candidate = machine.candidate?.generation else { return }
    let count = candidate.trace.events.count
    guard watchedLoads[running].events >= count else { return }
    watchedLoads[candidate] = .init(first: count, events: count)
  }

  /// Watches everything that the machine's traces depend on. What nothing depends on any more may be watched until
  /// ``tidy(_:)``.
  func watch(_ machine: GenerationMachine) {
    if trigger == .manual { return }
    let loads = loads(machine)
    guard watchedLoads.whole > 0, watchedLoads.restless == machine.restless.count,
      loads.allSatisfy(watchedLoads.isBeginning)
    else { return watchAll(machine, loads) }
    var new: [TraceEvent] = []
    for load in loads {
      let known = watchedLoads[load]
      new += load.trace.events[known.events...]
      new += load.lazily[known.lazily...]
      watchedLoads[load] = .init(first: known.first, events: load.trace.events.count, lazily: load.lazily.count)
    }
    noteRunning(machine)
    guard !new.isEmpty else { return }
    watchedLoads.added += new.count
    if triggers.isSelective || hasTouchFile { names.add(new) }
    if !hasTouchFile { watcher.watch(more: new) }
  }

  /// Nothing is to be done at the moment: gives up what nothing depends on any more, if that may be much.
  func tidy(_ machine: GenerationMachine) {
    if trigger != .manual, watchedLoads.isCrowded { watchAll(machine, loads(machine)) }
  }

  private func watchAll(_ machine: GenerationMachine, _ loads: [Generation]) {
    watchedLoads = WatchedLoads()
    watchedLoads.restless = machine.restless.count
    for load in loads {
      watchedLoads[load] = .init(events: load.trace.events.count, lazily: load.lazily.count)
      watchedLoads.whole += load.trace.events.count + load.lazily.count
    }
    noteRunning(machine)
    let trace = machine.running?.trace ?? LoadTrace()
    let lazily =
      (machine.running?.lazily ?? [])
      + loads.dropFirst(machine.running == nil ? 0 : 1).flatMap {
        $0.trace.events + $0.lazily
      }
    if triggers.isSelective || hasTouchFile {
      names = ModuleNames()
      names.add(trace.events)
      names.add(lazily)
    }
    watch(trace, lazily)
  }

  /// Keeps ``sources`` and the like about the running generation; after a rewind with what the one before it had, too.
  private func noteRunning(_ machine: GenerationMachine) {
    guard let running = machine.running, watchedLoads.noted != running.loader else { return }
    let first = watchedLoads.noted == nil ? 0 : watchedLoads[running].first
    watchedLoads.noted = running.loader
    noteLoad(running.trace.events[first...], anew: first == 0)
  }
}
