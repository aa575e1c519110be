import CLinux
import CPerl
import Glibc
import HTTP1

/// Reads the body of a request that is there as a whole, and says so if it is not: a worker never waits for a client.
struct RequestBody {
  /// What came of reading.
  enum Reading {
    case body(EnvironmentBuilder.Body)
    /// Bytes are missing; nothing that could not be given back has been used up.
    case incomplete
    case refused(Refusal)
    /// The client is gone.
    case broken
  }

  /// Bodies up to this size are kept in memory.
  static let memoryLimit = 1 << 20

  let input: InputWindow
  let socket: Int32
  let spoolDirectory: String
  /// The most bytes; 0 for any length. Of a body that has to be waited for, the switchboard counts them.
  let maximum: UInt64

  /// Reads the body that follows a head of `headLength` bytes at the front of the input. Afterwards, unless it is
  /// incomplete, the input begins with the body's successor; the head's bytes stay where they are.
  func read(_ framing: RequestHead.BodyFraming, headLength: Int) -> Reading {
    switch framing {
    case .none:
      input.consume(headLength)
      return .body(.none)
    case .length(let length): return readLength(length, headLength: headLength)
    case .chunked: return readChunks(headLength: headLength)
    }
  }

  private func readLength(_ length: Int, headLength: Int) -> Reading {
    if isTooLong(length) { return .refused(.bodyTooLarge) }
    let here = min(length, input.bytes.count - headLength)
    if here < length, cl_readable_bytes(socket) < length - here { return .incomplete }
    guard length <= Self.memoryLimit else { return spoolLength(length, here: here, headLength: headLength) }
    var memory: UnsafeMutablePointer<CChar>?
    let string = cp_new_room(length, &memory)
    memcpy(memory!, input.bytes.baseAddress! + headLength, here)
    input.consume(headLength + here)
    var count = here
    while count < length {
      let received = recv(socket, memory! + count, length - count, Int32(MSG_DONTWAIT))
      if received < 0, errno == EINTR { continue }
      guard received > 0 else {
        cp_release(string)
        return .broken
      }
      count += received
    }
    cp_set_count(string, length)
    return .body(.string(string, count: length))
  }

  /// A long body that a socket with large buffers holds as a whole.
  private func spoolLength(_ length: Int, here: Int, headLength: Int) -> Reading {
    var spool = Spool(directory: spoolDirectory, expecting: length)
    var isWhole = spool.append(
      UnsafeRawBufferPointer(rebasing: input.bytes[headLength..<(headLength + here)]))
    input.consume(headLength + here)
    let window = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
    defer { window.deallocate() }
    while isWhole, spool.count < length {
      let received = recv(
        socket, window.baseAddress, min(window.count, length - spool.count), Int32(MSG_DONTWAIT))
      if received < 0, errno == EINTR { continue }
      isWhole = received > 0 && spool.append(UnsafeRawBufferPointer(rebasing: window[..<max(0, received)]))
    }
    return isWhole ? .body(.descriptor(spool.take(), count: length)) : .broken
  }

  /// Decodes a chunked body that is in the window as a whole.
  private func readChunks(headLength: Int) -> Reading {
    let bytes = input.bytes
    var decoder = ChunkedDecoder()
    var offset = headLength
    var memory: UnsafeMutablePointer<CChar>?
    let string = cp_new_room(bytes.count - headLength, &memory)
    var count = 0
    while true {
      switch decoder.decode(UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
      case .data(let range):
        memcpy(memory! + count, bytes.baseAddress! + offset + range.lowerBound, range.count)
        count += range.count
        if isTooLong(count) {
          cp_release(string)
          return .refused(.bodyTooLarge)
        }
        offset += range.upperBound
      case .finished(let consumed):
        input.consume(offset + consumed)
        cp_set_count(string, count)
        return .body(count > 0 ? .string(string, count: count) : dropped(string))
      case .needsMore:
        cp_release(string)
        return .incomplete
      case .refused(let refusal):
        cp_release(string)
        return .refused(refusal)
      }
    }
  }

  private func isTooLong(_ count: Int) -> Bool { maximum > 0 && UInt64(count) > maximum }

  private func dropped(_ string: OpaquePointer) -> EnvironmentBuilder.Body {
    cp_release(string)
    return .none
  }
}
