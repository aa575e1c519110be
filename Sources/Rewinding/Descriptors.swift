import CLinux
import Glibc

/// The open files of this process, as far as a fork must care for them.
enum Descriptors {
  /// The lowest number of the descriptors that belong to Nacre, out of the way of those the application opens.
  static let lowestOwn: Int32 = 400

  /// Moves a descriptor out of the application's way; it is closed on exec from then on.
  static func setAside(_ fd: Int32) -> Int32 {
    guard fd >= 0, fd < lowestOwn else { return fd }
    var copy = cl_dup_above(fd, lowestOwn)
    if copy < 0 { copy = cl_dup_above(fd, 64) }
    guard copy >= 0 else {
      _ = cl_set_close_on_exec(fd, true)
      return fd
    }
    close(fd)
    return copy
  }

  /// What the base had when it started, from whoever started `nacre`: not the application's doing.
  nonisolated(unsafe) private static var inherited: Set<Int32> = []

  /// Notes what was inherited; called once, in the base.
  static func noteInherited() { inherited = Set(opened()) }

  /// The numbers of the descriptors that the application has opened, in order.
  static func opened() -> [Int32] {
    guard let directory = opendir("/proc/self/fd") else { return [] }
    defer { closedir(directory) }
    let own = dirfd(directory)
    var numbers: [Int32] = []
    while let entry = readdir(directory) {
      let number = withUnsafeBytes(of: entry.pointee.d_name) {
        Int32(atoi($0.baseAddress!.assumingMemoryBound(to: CChar.self)))
      }
      if number > 2 && number < lowestOwn && number != own && !inherited.contains(number) { numbers.append(number) }
    }
    return numbers.sorted()
  }

  /// The lowest number that is free from 3 on: it grows when something was opened and stays open.
  static func lowestFree() -> Int32 {
    let number = cl_dup_above(0, 3)
    if number >= 0 { close(number) }
    return number
  }

  static func path(of fd: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
      let count = readlink("/proc/self/fd/\(fd)", buffer.baseAddress!, buffer.count)
      return count < 0
        ? "descriptor \(fd)"
        : String(decoding: UnsafeRawBufferPointer(start: buffer.baseAddress!, count: count), as: UTF8.self)
    }
  }

  static func kind(of fd: Int32) -> mode_t? {
    var status = stat()
    return fstat(fd, &status) == 0 ? status.st_mode & S_IFMT : nil
  }
}

/// The regular files and directories that are open for reading only, with the kernel's offsets, noted before a fork.
///
/// Both sides of a fork share an offset. The forked side therefore opens each of these again, through `/proc`, at the
/// noted offset and under the same number: a file that is being parsed, a `__DATA__` handle or a `readdir` in progress
/// then reads on where it was, whatever the other side does. Files open for writing stay shared: their offset and
/// their `flock` belong to the load as a whole.
struct ReadingFiles {
  private var files: [(number: Int32, offset: off_t)] = []

  /// Notes what is open now.
  init(_ numbers: [Int32]) {
    for number in numbers where cl_is_only_for_reading(number) {
      guard let kind = Descriptors.kind(of: number), kind == S_IFREG || kind == S_IFDIR else { continue }
      files.append((number, lseek(number, 0, SEEK_CUR)))
    }
  }

  /// Opens them again in the forked process. Returns the path that could not be opened, or nil if all is well.
  func reopen() -> String? {
    for file in files where cl_reopen(file.number, file.offset) < 0 { return Descriptors.path(of: file.number) }
    return nil
  }
}
