import HTTP1

/// A request body on its way from the socket to a ``SpooledBody``.
final class BodyCollection {
  /// How the end of the body is found.
  enum Framing {
    /// So many bytes are missing.
    case length(UInt64)
    /// It comes in chunks.
    case chunked(ChunkedDecoder)
  }
  /// What came of adding bytes.
  enum Progress {
    /// All of them belong to the body, and more are to come.
    case unfinished
    /// The body ends behind so many of them.
    case finished(used: Int)
    case refused(Refusal)
    /// It is longer than is allowed.
    case tooLarge
  }

  private var framing: Framing
  private let maximum: UInt64
  let body: SpooledBody

  init(_ framing: Framing, into body: SpooledBody, maximum: UInt64?) {
    self.framing = framing
    self.body = body
    self.maximum = maximum ?? .max
  }

  /// How many of `room` bytes may be read at once: never beyond a body whose length is known.
  func readable(_ room: Int) -> Int {
    switch framing {
    case .length(let missing): Int(min(missing, UInt64(room)))
    case .chunked: room
    }
  }

  /// Adds the next bytes of the connection. They are moved about in their memory, so that the data of all their chunks
  /// is written at once.
  func add(_ bytes: UnsafeMutableRawBufferPointer) throws(SystemError) -> Progress {
    switch framing {
    case .length(let missing):
      let count = Int(min(missing, UInt64(bytes.count)))
      try body.append(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
      framing = .length(missing - UInt64(count))
      return UInt64(count) == missing ? .finished(used: count) : .unfinished
    case .chunked(var decoder):
      var (offset, gathered) = (0, 0)
      var progress: Progress?
      while progress == nil {
        switch decoder.decode(UnsafeRawBufferPointer(rebasing: bytes[offset...])) {
        case .data(let range):
          let moved = bytes.baseAddress! + gathered
          moved.copyMemory(from: bytes.baseAddress! + offset + range.lowerBound, byteCount: range.count)
          gathered += range.count
          offset += range.upperBound
        case .needsMore: progress = .unfinished
        case .finished(let consumed): progress = .finished(used: offset + consumed)
        case .refused(let refusal): return .refused(refusal)
        }
      }
      framing = .chunked(decoder)
      guard body.length + UInt64(gathered) <= maximum else { return .tooLarge }
      try body.append(UnsafeRawBufferPointer(rebasing: bytes[..<gathered]))
      return progress!
    }
  }
}
