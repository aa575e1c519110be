import CLinux
import Glibc

/// The body of a request, collected for a worker to read from offset 0: in memory (a memfd) while it is short, in an
/// unnamed file when it is not.
final class SpooledBody {
  private(set) var fd: Int32
  private(set) var length: UInt64 = 0
  private var isInMemory = true
  private let threshold: Int
  private let directory: String

  init(directory: String, threshold: Int) throws(SystemError) {
    self.directory = directory
    self.threshold = threshold
    fd = cl_memfd("nacre-body")
    guard fd >= 0 else { throw SystemError("make memory for a request body") }
  }

  deinit { close(fd) }

  /// Adds bytes at the end.
  func append(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
    if isInMemory, length + UInt64(bytes.count) > UInt64(threshold) { try moveToFile() }
    var rest = bytes
    while let start = rest.baseAddress, !rest.isEmpty {
      let count = pwrite(fd, start, rest.count, off_t(length))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw SystemError("spool a request body in \(directory)", code: count == 0 ? EIO : errno) }
      length += UInt64(count)
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
  }

  private func moveToFile() throws(SystemError) {
    let file = cl_unnamed_file(directory)
    guard file >= 0 else { throw SystemError("make a file for a request body in \(directory)") }
    var offset: off_t = 0
    while offset < off_t(length) {
      let count = sendfile(file, fd, &offset, Int(length) - Int(offset))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else {
        let code = count == 0 ? EIO : errno
        close(file)
        throw SystemError("spool a request body in \(directory)", code: code)
      }
    }
    close(fd)
    fd = file
    isInMemory = false
  }
}
