import CLinux
import Glibc

/// The way of a response's bytes to one client. While there is room in the spool it waits for some milliseconds at most: what
/// the socket does not take by then is kept there, in order, and handed to the switchboard in the end.
final class Outlet {
  /// How many unsent bytes a response that is still being made may leave behind in memory, for want of a disk.
  static let memoryLimit = 64 << 20
  /// How long such a response then waits for its client, in milliseconds.
  static let patience: Int32 = 30_000
  /// How long, in milliseconds, and how often a response waits for its client before the rest of it is spooled: one that reads
  /// as fast as this process writes needs no spool.
  private static let (shortWait, shortWaits): (Int32, Int) = (1, 64)

  /// How many unsent bytes a response that is still being made may leave behind.
  private let pendingLimit: Int
  private(set) var socket: Int32 = -1
  private var isTCP = false
  /// How often it has waited in this response.
  private var waits = 0
  private var spool: Spool
  /// What is left of a file that is sent as it lies.
  private var fileRest: Rest?
  /// The client is gone, or can no longer be told what it is missing.
  private(set) var isBroken = false
  private let vectors = UnsafeMutablePointer<iovec>.allocate(capacity: 3)
  private let window = UnsafeMutableRawBufferPointer.allocate(byteCount: 128 * 1024, alignment: 4096)

  /// What the switchboard has to send.
  struct Rest {
    /// Owned by whoever holds the rest.
    var descriptor: Int32
    var offset: Int
    var count: Int
  }

  init(spoolDirectory: String, pendingLimit: Int) {
    spool = Spool(directory: spoolDirectory)
    self.pendingLimit = pendingLimit
  }

  deinit {
    vectors.deallocate()
    window.deallocate()
  }

  /// Turns to a connection.
  func begin(_ socket: Int32, isTCP: Bool) {
    self.socket = socket
    self.isTCP = isTCP
    isBroken = false
  }

  /// Sends up to three runs of bytes, one behind the other.
  func send(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    _ third: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0), flags: Int32 = 0
  ) {
    guard !isBroken else { return }
    var sent = 0
    if spool.count == 0 {
      let count = first.count + second.count + third.count
      repeat {
        var skipped = sent
        vectors[0] = Self.vector(first, &skipped)
        vectors[1] = Self.vector(second, &skipped)
        vectors[2] = Self.vector(third, &skipped)
        sent += sendVectors(flags)
        if isBroken || sent == count { return }
      } while waitsShortly()
    }
    keep(first, &sent)
    keep(second, &sent)
    keep(third, &sent)
  }

  /// Sends the end of a response; true if the kernel has all of it and keeps the last packet back until ``push()``.
  ///
  /// The client's waking up is the likeliest moment of all for this process to lose the processor. What is to be
  /// known when the client has its answer must be written down between the two.
  func sendEnd(
    _ first: UnsafeRawBufferPointer, _ second: UnsafeRawBufferPointer, _ third: UnsafeRawBufferPointer
  ) -> Bool {
    send(first, second, third, flags: isTCP ? Int32(MSG_MORE) : 0)
    guard !isBroken, spool.count == 0 else {
      push()
      return false
    }
    return true
  }

  /// Lets go what ``sendEnd(_:_:_:)`` kept back. (The kernel does it after 200 ms if this process cannot any more.)
  func push() {
    guard isTCP else { return }
    var on: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Before more of a response that is being made: sends what waits, and waits itself if that is too much.
  func makeRoom() {
    guard spool.count > 0, !isBroken else { return }
    drain()
    while spool.count > pendingLimit || (spool.staysInMemory && spool.count > Self.memoryLimit), !isBroken {
      waitAndDrain()
    }
  }

  /// Sends `count` bytes of a file from `offset` behind `head`; true if the file had them all.
  func sendFile(_ head: UnsafeRawBufferPointer, _ descriptor: Int32, offset: Int, count: Int) -> Bool {
    while spool.count > 0, !isBroken { waitAndDrain() }
    if count > window.count { return sendLargeFile(head, descriptor, offset: offset, count: count) }
    // One call for the head and the file.
    let read = count > 0 ? max(0, pread(descriptor, window.baseAddress, count, off_t(offset))) : 0
    send(head, UnsafeRawBufferPointer(rebasing: window[..<read]))
    return read == count
  }

  /// The kernel sends the file from its own memory; what it does not take at once, the switchboard sends likewise.
  private func sendLargeFile(
    _ head: UnsafeRawBufferPointer, _ descriptor: Int32, offset: Int, count: Int
  ) -> Bool {
    // The switchboard gets one descriptor: the head must be out before the file can follow from there.
    send(head, flags: isTCP ? Int32(MSG_MORE) : 0)
    while spool.count > 0, !isBroken { waitAndDrain() }
    var offset = off_t(offset)
    let end = Int(offset) + count
    while Int(offset) < end, !isBroken {
      let sent = cl_sendfile(socket, descriptor, &offset, end - Int(offset))
      if sent > 0 || (sent < 0 && errno == EINTR) { continue }
      if sent < 0, errno == EAGAIN {
        if waitsShortly() { continue }
        handBack(descriptor, Int(offset), end - Int(offset))
        return true
      }
      if sent < 0, errno == EINVAL || errno == ENOSYS {
        return copyFile(descriptor, offset: Int(offset), count: end - Int(offset))
      }
      if sent == 0 {
        push()
        return false
      }
      isBroken = true
    }
    return true
  }

  /// What a file system cannot send by itself.
  private func copyFile(_ descriptor: Int32, offset: Int, count: Int) -> Bool {
    var sent = 0
    while sent < count, !isBroken {
      let read = pread(descriptor, window.baseAddress, min(count - sent, window.count), off_t(offset + sent))
      guard read > 0 else { return false }
      makeRoom()
      send(UnsafeRawBufferPointer(rebasing: window[..<read]))
      sent += read
    }
    push()
    return true
  }

  /// Ends the response: what is left to be sent, owned by the caller.
  func end() -> Rest? {
    waits = 0
    if let rest = fileRest {
      fileRest = nil
      return rest
    }
    guard spool.count > 0 else { return nil }
    guard !isBroken else {
      spool.clear()
      return nil
    }
    let (offset, count) = (spool.offset, spool.count)
    return Rest(descriptor: spool.take(), offset: offset, count: count)
  }

  /// Gives the connection up.
  func abandon() {
    isBroken = true
    if let rest = end() { close(rest.descriptor) }
  }

  /// What lies behind the first `skipped` bytes.
  private static func vector(_ bytes: UnsafeRawBufferPointer, _ skipped: inout Int) -> iovec {
    let start = min(skipped, bytes.count)
    skipped -= start
    return iovec(
      iov_base: bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0 + start) }, iov_len: bytes.count - start)
  }

  /// Waits a moment for room in the socket, if it has not done so too often in this response; whether there is some.
  private func waitsShortly() -> Bool {
    guard waits < Self.shortWaits else { return false }
    waits += 1
    var descriptor = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
    return poll(&descriptor, 1, Self.shortWait) > 0
  }

  /// The bytes that the socket took: 0 if it is full or broken.
  private func sendVectors(_ flags: Int32) -> Int {
    var message = msghdr()
    message.msg_iov = vectors
    message.msg_iovlen = 3
    while true {
      let sent = sendmsg(socket, &message, Int32(MSG_DONTWAIT | MSG_NOSIGNAL) | flags)
      if sent >= 0 { return sent }
      if errno == EINTR { continue }
      if errno != EAGAIN { isBroken = true }
      return 0
    }
  }

  /// Spools what of `bytes` lies behind the first `sent`.
  private func keep(_ bytes: UnsafeRawBufferPointer, _ sent: inout Int) {
    let skipped = min(sent, bytes.count)
    sent -= skipped
    guard skipped < bytes.count else { return }
    if !spool.append(UnsafeRawBufferPointer(rebasing: bytes[skipped...])) { isBroken = true }
  }

  private func drain() {
    if !spool.drain(to: socket, through: window) { isBroken = true }
  }

  private func waitAndDrain() {
    var descriptor = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
    let ready = poll(&descriptor, 1, Self.patience)
    if ready < 0, errno == EINTR { return }
    guard ready > 0 else {
      isBroken = true
      return
    }
    drain()
  }

  private func handBack(_ descriptor: Int32, _ offset: Int, _ count: Int) {
    guard !isBroken else { return }
    let copy = cl_dup_above(descriptor, 3)
    guard copy >= 0 else {
      isBroken = true
      return
    }
    fileRest = Rest(descriptor: copy, offset: offset, count: count)
  }
}
