import CLinux
import Glibc
import Switchboard

/// The process that a server was first started as, after a restart.
///
/// Whoever has started it (a shell, a container, supervisord, runit) knows its number and waits for its end. So it stays:
/// it passes on the signals that it gets to the server of today, and ends when that ends, in the same way. systemd needs
/// no keeper, as it can be told of another process.
public enum Keeper {
  /// The first argument of the program that becomes one; the server's process follows.
  public static let argument = "--keep-the-place-of"

  /// Becomes the keeper for this server, which this process has started. Returns its exit status, if the system does not
  /// let it begin anew with little memory.
  static func become(for server: pid_t) -> Int32 {
    // What is in use already cannot be missing, broken, or of another version.
    // Long enough for what process lists are to show later.
    let words = ["nacre keeper: what nacre was started as", argument, "\(server)"]
    var arguments = words.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &arguments)
    return keep(server)
  }

  /// Stays until the server ends. Returns the exit status.
  public static func keep(_ first: Int32) -> Int32 {
    let signals = Signals()
    _ = cl_become_subreaper()
    var server = first
    // Those that have been replaced, and how the last of them ended.
    var former: Set<pid_t> = []
    var status: Int32 = 1 << 8
    name(server)
    while true {
      // The signals have been blocked since before the server was started: none is missed. They are looked at first, for a
      // server tells of the next one before it ends.
      for event in signals.received() where event.signal != SIGCHLD {
        if let heir = event.heir, heir.of == server {
          former.insert(server)
          server = heir.pid
          name(server)
        } else {
          kill(server, event.signal)
        }
      }
      while case let (pid, ending) = reap(), pid > 0 {
        if pid == server { return mirrored(ending) }
        // No news, except where the next one is gone, too: the one before it knows how that ended.
        if former.remove(pid) != nil { status = ending }
      }
      if kill(server, 0) != 0 { return mirrored(status) }
      signals.wait()
    }
  }

  private static func name(_ server: pid_t) {
    cl_name_process("nacre keeper: the server is process \(server)")
  }

  private static func reap() -> (pid_t, Int32) {
    var status: Int32 = 0
    let pid = waitpid(-1, &status, WNOHANG)
    return (pid, status)
  }

  /// Ends as the server did.
  static func mirrored(_ waitStatus: Int32) -> Int32 {
    let signal = waitStatus & 0x7F
    guard signal != 0 else { return waitStatus >> 8 & 0xFF }
    Glibc.signal(signal, SIG_DFL)
    _ = cl_unblock_all_signals()
    kill(getpid(), signal)
    // The first process of a container is not ended by that.
    return 128 + signal
  }
}

extension Supervisor {
  /// The process that stays for whoever has started the first server; 0 where nobody needs one.
  var keeper: pid_t {
    if let predecessor = settings.life.predecessor { return predecessor.offer.keeper }
    return settings.life.manager.socket == nil ? getpid() : 0
  }

  /// Tells the keeper who is the server now.
  func tellKeeper(of server: pid_t) {
    guard keeper != 0, keeper != getpid() else { return }
    var value = sigval()
    value.sival_int = server
    sigqueue(keeper, SIGUSR2, value)
  }

  /// Ends with the keeper, as it would have ended if it were that process itself. The kernel gives this process to it when
  /// those in between are gone: the server before this one, and older ones that still have requests in hand.
  func dependOnKeeper(after predecessor: Predecessor) {
    let keeper = predecessor.offer.keeper
    guard keeper != 0 else { return }
    if getppid() == keeper {
      cl_set_parent_death_signal(SIGKILL)
      if getppid() == keeper { return }
    }
    if cl_has_ended(keeper) {
      log.fail("process \(keeper), which nacre was started as, has been killed")
      return finish(status: 1)
    }
    guard predecessor.isGone else { return }
    loop.after(Self.second / 20) { [unowned self] in dependOnKeeper(after: predecessor) }
  }

  /// What ``run()`` ends with when this process has been replaced: the status of the server that has replaced it, or as
  /// its keeper.
  func statusAfterRestart(_ successor: Successor) -> Int32 {
    if successor.heir != successor.pid { return Keeper.become(for: successor.heir) }
    return switch successor.ending {
    case .exited(let status)?: status
    case .killed(let signal)?: Keeper.mirrored(signal)
    case .unknown?: 1
    case nil: keeper == getpid() ? Keeper.become(for: successor.pid) : 0
    }
  }
}
