import CLinux
import Glibc
import SourceFiles
import Switchboard

/// A control socket whose file, or directory, somebody removes (whatever cleans `/tmp`) is made again.
extension Supervisor {
  private static let events = UInt32(IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

  /// Watches the directory of the control socket; where the kernel does not tell, looks now and then.
  func watchControl() {
    guard let control, stopping == .no else { return }
    if controlQueue < 0 {
      controlQueue = inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC))
      if controlQueue >= 0 {
        try? loop.watch(controlQueue, .readable) { [unowned self] _ in
          drainControlQueue()
          // Whoever removes the directory is to come to an end with it.
          loop.after(Self.second / 10) { [unowned self] in lookAtControl() }
        }
      }
    }
    let directory = directory(of: control.socket.path)
    if controlQueue < 0 || inotify_add_watch(controlQueue, directory, Self.events) < 0 {
      loop.after(10 * Self.second) { [unowned self] in watchControl() }
    }
    if !control.socket.isInPlace { lookAtControl() }
  }

  private func drainControlQueue() {
    var bytes = [UInt8](repeating: 0, count: 4096)
    while read(controlQueue, &bytes, bytes.count) > 0 {}
  }

  func lookAtControl() {
    guard let control, stopping == .no, !control.socket.isInPlace else { return }
    // It is on its way to the server that takes this one's place; if that fails, it is looked at again.
    if case .handingOver = restart { return }
    let path = control.socket.path
    if ControlSocket.isTaken(path) {
      return report("another server is controlled at \(path) now: nacre status and the like do not reach this one")
    }
    do {
      try control.move(to: ControlSocket(path: path))
      log.warn("the control socket \(path) was removed: it is there again")
      protect(path)
      watchControl()
    } catch {
      report("\(error) Until it can, nacre status and the like do not reach the server.")
      loop.after(Self.second) { [unowned self] in lookAtControl() }
    }
  }
}
