import Glibc
import ReloadModel

/// How a Perl process ended, as `waitpid` tells it.
public enum ProcessEnding: Equatable, Sendable {
  /// It called `exit` or `_exit` with this status.
  case exited(Int32)
  /// A signal with this number ended it.
  case killed(Int32)
  /// Its end was seen on its channel only.
  case unknown

  /// Reads the status that `waitpid` stored.
  public init(waitStatus: Int32) {
    let signal = waitStatus & 0x7F
    self = signal == 0 ? .exited((waitStatus >> 8) & 0xFF) : .killed(signal)
  }
}

extension ProcessEnding: CustomStringConvertible {
  /// What is said after "the process ...".
  public var description: String {
    switch self {
    case .exited(let status): "ended with exit status \(status)"
    case .killed(let signal): "was killed by \(SignalName.of(signal))"
    case .unknown: "ended"
    }
  }
}

extension LoadFailure {
  /// Why a candidate that left without a word did not load.
  ///
  /// - Parameters:
  ///   - ending: how it ended.
  ///   - location: where its scoreboard cell says that it was; the innermost file of `trace` that had begun and not
  ///     ended stands in for it.
  ///   - timeout: the seconds after which it was killed because it was still loading, or nil.
  init(ending: ProcessEnding, location: (file: String, line: UInt32)?, trace: LoadTrace, timeout: Int32?) {
    let chain = trace.openFiles
    let place = location ?? chain.last.map { ($0.file, 0) } ?? ("", 0)
    var steps = chain
    if let last = steps.indices.last, place.line > 0 {
      if steps[last].file == place.file {
        steps[last].line = place.line
      } else {
        steps.append(.init(file: place.file, line: place.line))
      }
    }
    let (cause, message, status): (Cause, String, Int32) =
      if let timeout {
        (.timedOut, "the application was still loading after \(timeout) s", timeout)
      } else {
        switch ending {
        case .exited(let status): (.exited, "the application called exit(\(status)) while it loaded", status)
        case .killed(let signal):
          (.killed, "the loading process was killed by \(SignalName.of(signal))", signal)
        case .unknown: (.system, "the loading process ended, and nobody could tell how", 0)
        }
      }
    self.init(cause: cause, file: place.file, line: place.line, message: message, status: status, chain: steps)
  }
}

extension LoadFailure {
  /// The failure that perl told, with its place, and with the way there as the trace knows it.
  func located(by trace: LoadTrace) -> LoadFailure {
    var failure = self
    if failure.file.isEmpty, failure.cause == .died { failure = LoadFailure(perlSays: message, status: status) }
    if failure.chain.isEmpty { failure.chain = trace.failedFiles }
    if failure.file.isEmpty, let last = failure.chain.last { failure.file = last.file }
    return failure
  }
}

extension LoadTrace {
  /// The files whose load has begun and not ended, the outermost first, each with the line that asked for the next
  /// (0 for the innermost).
  var openFiles: [LoadFailure.Step] { chains.open }

  /// The same for the moment at which the load failed, if that is how it ended: then they have ended meanwhile, one
  /// after another.
  var failedFiles: [LoadFailure.Step] { chains.failed ?? chains.open }

  private var chains: (open: [LoadFailure.Step], failed: [LoadFailure.Step]?) {
    var open: [LoadFailure.Step] = []
    var failed: [LoadFailure.Step]?
    for event in events {
      switch event {
      case .began(let file, _, _, let line, _):
        if let last = open.indices.last { open[last].line = line }
        open.append(.init(file: file, line: 0))
        failed = nil
      case .ended(let file, let loaded, _):
        failed = loaded ? nil : failed ?? open
        if let index = open.lastIndex(where: { $0.file == file }) { open.removeSubrange(index...) }
        if let last = open.indices.last { open[last].line = 0 }
      default: break
      }
    }
    return (open, failed)
  }
}
