import CLinux
import Glibc
import PerlRuntime
import ProcessProtocol
import SourceFiles

/// On which side of a fork the caller is.
enum ForkSide {
  case inFork
  case inOrigin
  /// There is no other side: the fork failed (and was reported).
  case failed
}

extension HostProcess {
  /// Forks a process that becomes a child of `nacre`, and tells `nacre` of it, or why there is none.
  func fork(_ kind: ProcessKind, token: UInt32) -> ForkSide {
    switch forkApart(kind) {
    case .inFork: return .inFork
    case .inOrigin(let channelsEnd):
      channel.send(.forked(kind, token: token), passing: [channelsEnd])
      close(channelsEnd)
      return .inOrigin
    case .failed(let message, let isHurt):
      channel.send(.forkFailed(token: token, message: message))
      if isHurt { _exit(1) }
      return .failed
    }
  }

  /// What came of a fork of which `nacre` has not been told.
  enum ApartFork {
    case inFork
    /// With `nacre`'s end of the new process's channel, which the caller closes.
    case inOrigin(channelsEnd: Int32)
    /// `isHurt`: this process may have been left in a state in which it can do nothing more.
    case failed(message: String, isHurt: Bool)
  }

  /// Forks a process that becomes a child of `nacre`, not of this one.
  ///
  /// A process in the middle forks it and leaves at once, so it is given to `nacre`, the subreaper, whose
  /// `waitpid` then tells how it ended. The new process gets a channel of its own; its first words are on their way in
  /// `nacre`'s end of it.
  func forkApart(_ kind: ProcessKind) -> ApartFork {
    cp_flush()
    cp_forget_packages()
    var pair: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
      return .failed(message: "no socket pair: \(String(cString: strerror(errno)))", isHurt: false)
    }
    let (mine, nacres) = (Descriptors.setAside(pair[0]), Descriptors.setAside(pair[1]))
    let reading = ReadingFiles(Descriptors.opened())
    var middle: pid_t = 0
    switch cl_fork_orphan(&middle) {
    case 0:
      arrived = Clock.microseconds()
      cp_adopt_process()
      close(nacres)
      close(channel.descriptor)
      channel.descriptor = mine
      arrive(reading, as: kind, after: middle)
      return .inFork
    case 1:
      close(mine)
      return .inOrigin(channelsEnd: nacres)
    default:
      let error = errno
      close(mine)
      close(nacres)
      guard middle != 0 else { return .failed(message: String(cString: strerror(error)), isHurt: false) }
      // Somebody has killed the middle process while it had this one's memory, so nobody knows what is locked there. The
      // process that it may have forked ends by itself, for nobody has the other end of its channel.
      return .failed(message: "signal \(middle) ended it in the middle", isHurt: true)
    }
  }

  /// The first steps of a forked process.
  private func arrive(_ reading: ReadingFiles, as kind: ProcessKind, after middle: pid_t) {
    cp_forget_seed()
    // It leaves within microseconds, unless somebody stops it.
    var looks = 0
    while getppid() == middle {
      looks += 1
      if looks < 10_000 { sched_yield() } else { usleep(1000) }
    }
    dieWithSupervisor()
    channel.send(.hello(pid: getpid()))
    reopen(reading, as: kind)
  }

  /// Opens again what is open, so that its offsets are this process's own.
  func reopen(_ reading: ReadingFiles, as kind: ProcessKind) {
    guard let path = reading.reopen(replaced: kind == .candidate) else { return }
    channel.send(.report("\(path) could not be opened again after a fork: \(String(cString: strerror(errno)))"))
    _exit(1)
  }

  /// A killed `nacre` takes this process with it. The signal is set first and the parent looked at again after it.
  func dieWithSupervisor() {
    _ = cl_set_parent_death_signal(SIGKILL)
    if getppid() != supervisor { _exit(0) }
  }
}
