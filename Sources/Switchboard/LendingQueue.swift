import CLinux
import Glibc

/// The socket pair over which one generation's workers are lent connections.
///
/// All workers receive from the same end; the kernel wakes one for each message. `nacre` keeps both ends until the
/// generation is replaced, so that it can take back what no worker has received.
public final class LendingQueue {
  /// What the workers receive from (blocking, close-on-exec); a copy goes along with every `forkWorker`.
  public let receivingEnd: Int32
  let sendingEnd: Int32

  init() throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw SystemError("make a lending queue")
    }
    (sendingEnd, receivingEnd) = (ends[0], ends[1])
    // Room for a few messages with all that can be carried, as far as the system allows.
    var room: Int32 = 1024 * 1024
    setsockopt(sendingEnd, SOL_SOCKET, SO_SNDBUF, &room, socklen_t(MemoryLayout<Int32>.size))
  }

  deinit {
    close(sendingEnd)
    close(receivingEnd)
  }

  /// Takes out what no worker has received and lets the workers see the end of the queue.
  func retire() {
    empty()
    shutdown(sendingEnd, Int32(SHUT_RDWR))
  }

  /// Takes out what no worker has received.
  func empty() {
    var fds: [Int32] = [-1, -1, -1, -1]
    var flags: Int32 = 0
    var byte: UInt8 = 0
    while true {
      var count: Int32 = 4
      // One byte is enough: the rest of the message is dropped by the kernel, and its descriptors are all we must close.
      let received = cl_receive_message(receivingEnd, &byte, 1, &fds, &count, Int32(MSG_DONTWAIT), &flags)
      guard received > 0 else { break }
      for index in 0..<Int(count) { close(fds[index]) }
    }
  }
}
