import CLinux
import Glibc

/// The signals that `nacre` answers to, as something that can be read.
final class Signals {
  /// Those that are answered. As the first process of a container only they reach `nacre` at all.
  private static let answered = [
    SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU,
  ]

  /// The `signalfd`.
  let descriptor: Int32

  /// Blocks the signals and collects them from now on; -1 as the descriptor if the system has none left.
  init() {
    var set = Self.hold()
    signal(SIGPIPE, SIG_IGN)
    descriptor = signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC))
  }

  /// Blocks the signals, so that those which come now are answered later. Returns their set.
  @discardableResult
  static func hold() -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in Self.answered { sigaddset(&set, signal) }
    sigprocmask(SIG_BLOCK, &set, nil)
    return set
  }

  deinit { close(descriptor) }

  /// A signal that came.
  struct Event {
    var signal: Int32
    /// The process that a ``Keeper`` is told of: its server has sent the number with the signal.
    var heir: (of: pid_t, pid: pid_t)?
  }

  /// The signals that came since the last call, in order.
  func received() -> [Event] {
    var events: [Event] = []
    var info = signalfd_siginfo()
    while read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size) == MemoryLayout<signalfd_siginfo>.size {
      var event = Event(signal: Int32(info.ssi_signo))
      let isQueued = info.ssi_code == Int32(SI_QUEUE)
      if event.signal == SIGUSR2, isQueued, info.ssi_int > 0 { event.heir = (pid_t(info.ssi_pid), info.ssi_int) }
      events.append(event)
    }
    return events
  }

  /// Waits until one comes.
  func wait() {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    poll(&entry, 1, -1)
  }
}
