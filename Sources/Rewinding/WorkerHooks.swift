import PerlRuntime
import ProcessProtocol
import ReloadModel
import SourceFiles

/// A sub that the application wants called when a worker starts or stops, and where it stands.
final class WorkerHook {
  let code: PerlValue
  let place: LoadFailure.Step

  init(code: consuming PerlValue, place: LoadFailure.Step) {
    self.code = code
    self.place = place
  }
}

/// The hooks of this process, in the order of their registration. They are memory like any other: a candidate has
/// those that were registered before its checkpoint, and a worker those of its mold.
struct WorkerHooks {
  /// When a hook is called.
  enum Moment: String {
    case start, stop
  }
  var start: [WorkerHook] = []
  var stop: [WorkerHook] = []
}

extension HostProcess {
  /// The number of the generation that this process runs or builds; 0 in the base.
  public static var currentGeneration: UInt64 { current?.generation ?? 0 }

  /// Takes a hook in; false if nobody will call it, because the workers' start is over here.
  ///
  /// - Parameters:
  ///   - moment: `start` or `stop`.
  ///   - code: The sub; borrowed.
  ///   - file: Where it was registered, as perl names the file: its place, if the sub itself tells none.
  public static func addHook(_ moment: String, _ code: OpaquePointer, file: String, line: UInt32) -> Bool {
    guard let current, let moment = WorkerHooks.Moment(rawValue: moment) else { return false }
    if moment == .start, current.isWorker { return false }
    var ownLine: UInt32 = 0
    let ownFile = cp_code_location(code, &ownLine).map { String(cString: $0) }
    let name = ownFile ?? file
    // Code in a string eval has no file: perl calls it "(eval 12)".
    let place = LoadFailure.Step(
      file: name.hasPrefix("(") ? name : WorkingDirectory.absolute(name), line: ownFile == nil ? line : ownLine)
    let hook = WorkerHook(code: PerlValue(owning: cp_copy_reference(code)), place: place)
    switch moment {
    case .start: current.hooks.start.append(hook)
    case .stop: current.hooks.stop.append(hook)
    }
    return true
  }

  /// Calls the start hooks. If one fails, the process tells and leaves, as a load that fails does.
  func runStartHooks() {
    for hook in hooks.start {
      channel.send(.startHook(hook.place))
      let end = Perl.run(hook.code.pointer)
      if cp_is_stray() { leaveAsStray(end) }
      switch end {
      case .returned: continue
      case .died(let message): fail(LoadFailure(cause: .died, message: message, hook: hook.place))
      case .exited(let status):
        var line: UInt32 = 0
        let file = cp_exit_location(&line).map { String(cString: $0) } ?? ""
        fail(
          LoadFailure(
            cause: .exited, file: file, line: line, message: "exit was called", status: status, hook: hook.place))
      }
    }
    tracer.flush()
  }

  /// Calls the stop hooks, the last first. None keeps the others from running, whatever it does.
  func runStopHooks() {
    while let hook = hooks.stop.popLast() {
      let end = Perl.run(hook.code.pointer)
      if cp_is_stray() { leaveAsStray(end) }
      if case .died(let message) = end {
        Perl.warn("Nacre: the stop hook of \(hook.place.file) line \(hook.place.line) died: \(message)\n")
      }
    }
  }

  /// A child that a hook has forked ends as it would without Nacre.
  private func leaveAsStray(_ end: PerlEnd) -> Never {
    switch end {
    case .returned: Perl.leave(status: 0, destructing: true)
    case .died(let message):
      Perl.warn(message)
      Perl.leave(status: 255, destructing: true)
    case .exited(let status): Perl.leave(status: status, destructing: true)
    }
  }
}
