import CLinux
import Glibc
import ProcessProtocol
import Switchboard

/// `nacre`'s end of the `SOCK_SEQPACKET` connection to one Perl process.
final class Channel {
  /// The longest message that a Perl process may send, in bytes.
  static let capacity = 256 * 1024

  /// What one attempt to receive brought.
  enum Received {
    /// A message of so many bytes at the start of the buffer, and the descriptors that came with it.
    case message(count: Int, descriptors: [Int32])
    /// Nothing is there now.
    case nothing
    /// The other end is closed, and everything that was sent has been received.
    case ended
  }

  /// The socket; owned by this object.
  let descriptor: Int32

  /// Takes over a connected socket.
  init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// Sends a command and copies of `descriptors`. False if the process is gone or does not read what it is sent.
  func send(_ command: Command, descriptors: [Int32] = []) -> Bool {
    send(command.encoded(), descriptors: descriptors) == .passed
  }

  /// Sends bytes as one message, and copies of `descriptors`.
  func send(_ bytes: [UInt8], descriptors: [Int32]) -> PassingResult {
    while true {
      let sent = cl_send_message(
        descriptor, bytes, bytes.count, descriptors, Int32(descriptors.count), Int32(MSG_DONTWAIT))
      if sent >= 0 { return .passed }
      switch errno {
      case EINTR: continue
      // The last: too many descriptors of this user are under way, in any process.
      case EAGAIN, ENOBUFS, ENOMEM, ETOOMANYREFS: return .later
      default: return .never
      }
    }
  }

  /// Receives one message without waiting.
  func receive(into buffer: UnsafeMutableRawBufferPointer) -> Received {
    while true {
      var descriptors: [Int32] = [-1, -1, -1, -1]
      var count = Int32(descriptors.count)
      var flags: Int32 = 0
      let received = cl_receive_message(
        descriptor, buffer.baseAddress!, buffer.count, &descriptors, &count, Int32(MSG_DONTWAIT), &flags)
      if received > 0 { return .message(count: received, descriptors: Array(descriptors.prefix(Int(count)))) }
      if received == 0 { return .ended }
      switch errno {
      case EINTR: continue
      case EAGAIN: return .nothing
      default: return .ended
      }
    }
  }
}
