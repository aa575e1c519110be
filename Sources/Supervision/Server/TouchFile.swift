import FileWatching
import Glibc
import ReloadModel
import SourceFiles

/// The file whose modification time alone says that code is to be reloaded (`--touch-file`, as Apache2::Reload's
/// `ReloadTouchFile`). While it is missing nothing is reloaded; made later, it counts.
struct TouchFile {
  /// The file, absolute.
  let path: String
  /// The modification time that has been seen; nil if there was no file.
  private var seen: Int64?

  /// What is there now has been seen.
  init(path: String) {
    self.path = path
    seen = Self.modified(path)
  }

  /// Whether the file has been touched, or made, since it was last taken.
  var isTouched: Bool {
    guard let now = Self.modified(path) else { return false }
    return now != seen
  }

  /// Takes the touch, and tells the first line of the file: empty, or a list of modules.
  mutating func take() -> String {
    seen = Self.modified(path)
    return Self.firstLine(path)
  }

  /// A file that is gone counts as touched when it is there again, whatever its time.
  mutating func noteAbsence() { if Self.modified(path) == nil { seen = nil } }

  private static func modified(_ path: String) -> Int64? { try? FileStatus.status(of: path).get().modified }

  private static func firstLine(_ path: String) -> String {
    // Not blocking: somebody may have made it a FIFO.
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes[..<max(0, count)].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }
}
