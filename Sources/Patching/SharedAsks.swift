import CLinux
import Glibc

/// What is asked for in one interpreter and holds in all: in memory that forked processes and threads share, a list that
/// only grows.
final class SharedAsks: @unchecked Sendable {
  private static let size = 65_536
  /// The number of bytes that are taken comes first.
  private let memory: UnsafeMutableRawPointer

  init?() {
    guard let memory = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0),
      memory != MAP_FAILED
    else { return nil }
    self.memory = memory
  }

  deinit { munmap(memory, Self.size) }

  /// How much there is; what was read up to there is known.
  var end: Int { min(Int(cl_load64(word(at: 0))), Self.size - 8) }

  /// Adds one. Nothing is done if the list is full.
  func add(_ key: String, _ isWatched: Bool) {
    let bytes = Array(key.utf8)
    let room = 8 + (bytes.count + 7) / 8 * 8
    let end = Int(cl_add64(word(at: 0), Int64(room)))
    guard 8 + end <= Self.size else { return }
    let start = 8 + end - room
    (memory + start + 8).copyMemory(from: bytes, byteCount: bytes.count)
    // Whoever reads stops at a word that is 0.
    cl_store64(word(at: start), UInt64(bytes.count) << 2 | (isWatched ? 3 : 1))
  }

  /// What was added behind a position, which moves on.
  func read(from position: inout Int) -> [(key: String, isWatched: Bool)] {
    var asks: [(key: String, isWatched: Bool)] = []
    while position < end {
      let header = cl_load64(word(at: 8 + position))
      if header == 0 { break }
      let count = Int(header >> 2)
      let bytes = UnsafeRawBufferPointer(start: memory + 16 + position, count: count)
      asks.append((String(decoding: bytes, as: UTF8.self), header & 2 != 0))
      position += 8 + (count + 7) / 8 * 8
    }
    return asks
  }

  private func word(at offset: Int) -> UnsafeMutablePointer<UInt64> {
    (memory + offset).assumingMemoryBound(to: UInt64.self)
  }
}
