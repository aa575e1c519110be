import CLinux
import Glibc
import ProcessProtocol

/// The memory that a loan arrives in. The bytes carried with it are the first of the connection's input; what is read
/// from the socket follows them, and what is left over travels back from where it lies.
final class InputWindow {
  /// A return's header is written in front of the leftover bytes, over what has been used up.
  private static let front = max(Loan.headerSize, Return.headerSize)

  private let memory: UnsafeMutableRawPointer
  /// Where the first unused byte stands, from the first carried one.
  private var lower = 0
  private var upper = 0

  init() {
    memory = .allocate(byteCount: Self.front + Loan.maximumCarried, alignment: 16)
  }

  deinit { memory.deallocate() }

  /// The unused bytes; valid until more are received.
  var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: memory + Self.front + lower, count: upper - lower)
  }

  /// Whether nothing more fits behind the unused bytes.
  var isFull: Bool { upper - lower >= Loan.maximumCarried }

  /// Uses up the first `count` bytes.
  func consume(_ count: Int) { lower += count }

  /// Uses up everything.
  func consumeAll() { lower = upper }

  /// Waits for the next message of the lending queue; what `recvmsg` returns.
  func receiveLoan(
    from queue: Int32, _ descriptors: UnsafeMutablePointer<Int32>, _ count: inout Int32, _ flags: inout Int32
  ) -> Int {
    lower = 0
    upper = 0
    let start = memory + Self.front - Loan.headerSize
    let received = cl_receive_message(
      queue, start, Loan.headerSize + Loan.maximumCarried, descriptors, &count, 0, &flags)
    upper = max(0, received - Loan.headerSize)
    return received
  }

  /// The loan that was received.
  func loan(received: Int) -> Loan? {
    Loan(UnsafeRawBufferPointer(start: memory + Self.front - Loan.headerSize, count: max(0, received)))
  }

  /// Receives what a socket has; what `recv` returns. The window must not be full.
  func receive(from socket: Int32) -> Int {
    if lower > 0 {
      let left = upper - lower
      if left == 0 || Loan.maximumCarried - upper < 16 * 1024 {
        memmove(memory + Self.front, memory + Self.front + lower, left)
        (lower, upper) = (0, left)
      }
    }
    while true {
      let count = recv(
        socket, memory + Self.front + upper, Loan.maximumCarried - upper, Int32(MSG_DONTWAIT))
      if count < 0, errno == EINTR { continue }
      if count > 0 { upper += count }
      return count
    }
  }

  /// A return with the unused bytes behind it; valid until the window changes.
  func message(_ back: Return) -> UnsafeRawBufferPointer {
    let start = memory + Self.front + lower - Return.headerSize
    back.store(in: start)
    return UnsafeRawBufferPointer(start: start, count: Return.headerSize + upper - lower)
  }
}
