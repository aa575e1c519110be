import CLinux
import Glibc
import ProcessProtocol

/// `psgix.io`: the application may take the connection into its own hands.
extension Exchange {
  /// The application looks at the connection of a request: a new descriptor of it, or -1 if the request is over.
  ///
  /// Looking alone changes nothing for the client: an application may just copy its environment. But if this process dies,
  /// nobody can say what the client has got.
  func showConnection(_ serial: UInt64) -> Int32 {
    guard serial == self.serial else { return -1 }
    if case .given = stage { return -1 }
    let descriptor = cl_dup_above(outlet.socket, 3)
    guard descriptor >= 0 else { return -1 }
    hasShownConnection = true
    cell.phase = .responding
    // As applications expect it of a blocking server.
    cl_set_nonblocking(descriptor, false)
    return descriptor
  }

  /// The application has looked at the connection and gives no response: it has answered by itself.
  func endUnanswered() {
    stage = .given
    status = 101
    keepsAlive = false
  }
}
