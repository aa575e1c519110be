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

  /// Where an open file was found when it was noted first.
  private struct Place {
    var path: String
    var device: dev_t
    var inode: ino_t
  }

  /// By descriptor: `[7: Place(path: "/srv/lib/App.pm", ...)]`. A forked process inherits it.
  nonisolated(unsafe) private static var places: [Int32: Place] = [:]

  /// Notes what is open now.
  init(_ numbers: [Int32]) {
    var places: [Int32: Place] = [:]
    for number in numbers where cl_is_only_for_reading(number) {
      var status = stat()
      guard fstat(number, &status) == 0, [S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT) else { continue }
      files.append((number, lseek(number, 0, SEEK_CUR)))
      places[number] = Self.place(of: number, status)
    }
    Self.places = places
  }

  private static func place(of number: Int32, _ open: stat) -> Place? {
    if let known = places[number], (known.device, known.inode) == (open.st_dev, open.st_ino) { return known }
    let path = Descriptors.path(of: number)
    var found = stat()
    guard stat(path, &found) == 0, (found.st_dev, found.st_ino) == (open.st_dev, open.st_ino) else { return nil }
    return Place(path: path, device: open.st_dev, inode: open.st_ino)
  }

  /// Opens them again in the forked process. Returns the path that could not be opened, or nil if all is well.
  ///
  /// - Parameter replaced: Whether a file that has been replaced since is read on where it was replaced. A candidate comes
  ///   out of a checkpoint that has seen nothing but what is on the disk now; what is behind its descriptor may have been
  ///   written over before another file with the old content took its place.
  func reopen(replaced: Bool) -> String? {
    for file in files {
      let path = replaced ? Self.replacement(of: file.number) : nil
      guard cl_reopen(file.number, path, file.offset) == 0 else { return path ?? Descriptors.path(of: file.number) }
    }
    return nil
  }

  private static func replacement(of number: Int32) -> String? {
    var (now, open) = (stat(), stat())
    guard let place = places[number], stat(place.path, &now) == 0, fstat(number, &open) == 0,
      now.st_mode & S_IFMT == open.st_mode & S_IFMT, (now.st_dev, now.st_ino) != (place.device, place.inode)
    else { return nil }
    places[number] = Place(path: place.path, device: now.st_dev, inode: now.st_ino)
    return place.path
  }
}
