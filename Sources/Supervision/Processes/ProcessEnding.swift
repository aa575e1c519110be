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

/// What `waitpid` tells of a process: its end is one thing among others.
enum ProcessNews: Equatable {
  case ended(ProcessEnding)
  /// A signal with this number has stopped it.
  case stopped(Int32)
  /// It goes on.
  case continued

  /// Reads the status that `waitpid` stored.
  init(waitStatus: Int32) {
    if waitStatus == 0xFFFF {
      self = .continued
    } else if waitStatus & 0xFF == 0x7F {
      self = .stopped(waitStatus >> 8 & 0xFF)
    } else {
      self = .ended(ProcessEnding(waitStatus: waitStatus))
    }
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
