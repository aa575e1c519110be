import CLinux
import Glibc
import ProcessProtocol

/// This process's connection to `nacre`: one message each way at a time, whole or not at all.
struct Channel {
  /// The descriptor; replaced when the process is forked.
  var descriptor: Int32

  /// Sends a notice. If `nacre` is gone there is nobody to work for: the process leaves without running anything.
  func send(_ notice: Notice, passing fds: [Int32] = []) {
    let bytes = notice.encoded()
    while cl_send_message(descriptor, bytes, bytes.count, fds, Int32(fds.count), 0) < 0 {
      switch errno {
      case EINTR: continue
      case ENOBUFS, ENOMEM, ETOOMANYREFS: usleep(1000)
      case EMSGSIZE: return
      default: _exit(0)
      }
    }
  }

  /// Whether a command, or the end, comes within so many milliseconds.
  func hasNews(within milliseconds: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, milliseconds) != 0
  }

  /// Waits for the next command and the descriptors that come with it; nil when `nacre` has closed its end.
  func receive() -> (command: Command, descriptors: [Int32])? {
    withUnsafeTemporaryAllocation(byteCount: 256 * 1024, alignment: 8) { buffer in
      while true {
        var fds: [Int32] = [-1, -1, -1, -1]
        var count = Int32(fds.count)
        var flags: Int32 = 0
        let size = cl_receive_message(descriptor, buffer.baseAddress!, buffer.count, &fds, &count, 0, &flags)
        if size < 0 && errno == EINTR { continue }
        guard size > 0 else { return nil }
        let message = UnsafeRawBufferPointer(start: buffer.baseAddress!, count: size)
        // A command that cannot be read comes from another version of nacre: as good as none.
        guard let command = try? Command(decoding: message) else { return nil }
        return (command, Array(fds.prefix(Int(count))))
      }
    }
  }
}
