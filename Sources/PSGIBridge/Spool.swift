import CLinux
import Glibc

/// Bytes that wait for a slow client, in memory behind a descriptor while they are few and in an unnamed file when
/// they are many. What has been sent from the front no longer counts.
struct Spool: ~Copyable {
  /// The most bytes kept in memory.
  static let memoryLimit = 1 << 20

  private let directory: String
  private let expecting: Int
  private(set) var descriptor: Int32 = -1
  private var isFile = false
  /// Whether no file could be written.
  private(set) var staysInMemory = false
  /// Where the first unsent byte stands.
  private(set) var offset = 0
  private var end = 0

  /// An empty spool. `expecting` is the number of bytes it will get at least: many go to a file from the first.
  init(directory: String, expecting: Int = 0) {
    self.directory = directory
    self.expecting = expecting
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The number of unsent bytes.
  var count: Int { end - offset }

  /// Adds bytes; false if there is no room for them.
  mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard prepare(for: bytes.count), let base = bytes.baseAddress else { return bytes.isEmpty }
    var written = 0
    while written < bytes.count {
      let count = pwrite(descriptor, base + written, bytes.count - written, off_t(end))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        // The disk is full, or broken: better in memory than not at all.
        if moveToMemory() { continue }
        return false
      }
      written += count
      end += count
    }
    return true
  }

  /// Sends from the front what a socket takes at once; false if the socket is broken.
  mutating func drain(to socket: Int32, through memory: UnsafeMutableRawBufferPointer) -> Bool {
    while count > 0 {
      let read = pread(descriptor, memory.baseAddress, min(count, memory.count), off_t(offset))
      guard read > 0 else { return false }
      let sent = send(socket, memory.baseAddress, read, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
      if sent < 0 {
        if errno == EINTR { continue }
        return errno == EAGAIN
      }
      offset += sent
    }
    clear()
    return true
  }

  /// Forgets what is left.
  mutating func clear() {
    offset = 0
    end = 0
    staysInMemory = false
    guard descriptor >= 0 else { return }
    if isFile {
      close(descriptor)
      descriptor = -1
    } else {
      ftruncate(descriptor, 0)
    }
  }

  /// Hands the descriptor over to the caller; the spool is empty again.
  mutating func take() -> Int32 {
    defer {
      descriptor = -1
      offset = 0
      end = 0
      staysInMemory = false
    }
    return descriptor
  }

  /// Opens what can hold `more` bytes behind those that are there.
  private mutating func prepare(for more: Int) -> Bool {
    if descriptor < 0 {
      isFile = max(expecting, end + more) > Self.memoryLimit
      descriptor = isFile ? cl_unnamed_file(directory) : -1
      if descriptor < 0 {
        // Better in memory than not at all.
        isFile = false
        descriptor = cl_memfd("nacre-response")
      }
      return descriptor >= 0
    }
    if !isFile, !staysInMemory, end + more > Self.memoryLimit { moveToFile() }
    return true
  }

  private mutating func moveToFile() {
    if move(to: cl_unnamed_file(directory)) { isFile = true }
  }

  private mutating func moveToMemory() -> Bool {
    guard isFile, move(to: cl_memfd("nacre-response")) else { return false }
    (isFile, staysInMemory) = (false, true)
    return true
  }

  /// Goes on in another place (owned from here on); false if that has no room, and all stays where it is.
  private mutating func move(to place: Int32) -> Bool {
    guard place >= 0 else { return false }
    var from = off_t(offset)
    var left = count
    while left > 0 {
      let copied = sendfile(place, descriptor, &from, left)
      if copied < 0, errno == EINTR { continue }
      guard copied > 0 else {
        close(place)
        return false
      }
      left -= copied
    }
    close(descriptor)
    descriptor = place
    end = count
    offset = 0
    return true
  }
}
