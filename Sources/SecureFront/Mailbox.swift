import CLinux
import Glibc
import NIOConcurrencyHelpers
import Switchboard

/// What NIO's thread tells the thread of the switchboard.
enum Letter: Sendable {
  /// One end of a pair, behind which this room speaks for a client.
  case pair(Int32, Peer)
  /// A connection that this room had is closed.
  case closed
}

/// Letters from NIO's thread to the loop of the switchboard, in order. A loop that has nothing to fetch is not woken.
final class Mailbox: Sendable {
  private let letters = NIOLockedValueBox<[Letter]>([])
  /// Readable while there is something to fetch.
  let descriptor: Int32
  private let bell: Int32

  init() throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SystemError("make a pipe") }
    (descriptor, bell) = (ends[0], ends[1])
    for end in ends {
      _ = cl_set_close_on_exec(end, true)
      cl_set_nonblocking(end, true)
    }
  }

  deinit {
    close(descriptor)
    close(bell)
  }

  /// Adds a letter. May be called on any thread.
  func post(_ letter: Letter) {
    let isFirst = letters.withLockedValue { letters in
      letters.append(letter)
      return letters.count == 1
    }
    if isFirst { _ = write(bell, "!", 1) }
  }

  /// Takes all letters out.
  func fetch() -> [Letter] {
    // Rung once for each time that there was a first letter, so what is posted from here on rings again.
    var rings = (UInt64(0), UInt64(0))
    _ = read(descriptor, &rings, MemoryLayout.size(ofValue: rings))
    return letters.withLockedValue { letters in
      defer { letters.removeAll(keepingCapacity: true) }
      return letters
    }
  }
}
