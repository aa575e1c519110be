import Glibc
import ReloadModel
import Switchboard

/// One Perl process as `nacre` sees it, from the moment its channel is there until it is reaped.
final class PerlProcess {
  /// What it was made for. A candidate that has loaded is a mold.
  enum Role: Equatable {
    case base
    case candidate(cell: Int)
    case checkpoint
    case census
    case worker(cell: Int, generation: UInt64)
  }

  let token: ProcessToken
  let role: Role
  let bornAt: UInt64
  /// When it was asked for; nil for what nobody asked for.
  var orderedAt: UInt64?
  /// nil once it has ended, or once it was told to leave by closing it.
  var channel: Channel?
  /// nil until its hello, and again once it is reaped: the number may then be another's.
  var pid: pid_t? { didSet { lastPid = pid ?? lastPid } }
  /// Its process id, for people; not to be sent signals.
  private(set) var lastPid: pid_t?
  /// How it ended, once it is reaped.
  private(set) var ending: ProcessEnding?
  /// The messages about its load, as long as it loads.
  var loadMessages = 0
  /// What happens if it does not do in time what it is to do.
  var timer: EventLoop.Timer?
  /// The seconds after which it was killed because it was still loading.
  var timeout: Int32?
  /// Where the start hook stands that it runs, as a worker that is not ready yet.
  var hook: LoadFailure.Step?
  /// The request that took too long, for which it is killed.
  var overdue: OverdueRequest?
  /// Since when it is stopped (SIGSTOP); nil while it runs.
  var stop: Stop?
  /// Whether it is to be killed as soon as its process id is known.
  var isCondemned = false
  /// Whether `nacre` wants it gone, so that its end is no news.
  var isDismissed = false

  /// A signal has stopped the process.
  struct Stop {
    /// Nanoseconds of the loop's clock.
    var since: UInt64
    /// Goes off when it has been stopped for too long.
    var timer: EventLoop.Timer
  }

  init(token: ProcessToken, role: Role, channel: Channel, pid: pid_t? = nil, bornAt: UInt64) {
    self.token = token
    self.role = role
    self.channel = channel
    self.pid = pid
    lastPid = pid
    self.bornAt = bornAt
  }

  /// Its cell on the scoreboard.
  var cell: Int? {
    switch role {
    case .candidate(let cell), .worker(let cell, _): cell
    case .base, .checkpoint, .census: nil
    }
  }

  var isWorker: Bool { if case .worker = role { true } else { false } }

  func reaped(_ ending: ProcessEnding?) {
    pid = nil
    self.ending = ending
  }

  func send(signal: Int32) {
    if let pid { Glibc.kill(pid, signal) }
  }

  /// Ends it, now or at its hello.
  func kill() {
    isDismissed = true
    isCondemned = true
    send(signal: SIGKILL)
  }
}
