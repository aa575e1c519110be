import CLinux
import Glibc

/// The files that a running perl is made of: the program, the libraries that are mapped into it, `Nacre.so` among them,
/// and the modules that it had loaded before any application.
///
/// An upgrade puts new files in their places. Processes that are forked from the old perl go on with the old ones, but
/// whatever they load from then on is new, and need not fit.
struct RuntimeFiles: Equatable {
  /// What tells a file from the one that takes its place.
  struct Mark: Equatable {
    var device: UInt64
    var inode: UInt64
    var size: Int64
    var modified: Int64
  }

  /// What the files were when perl began to use them; nil for one that had been replaced by the time it was looked at.
  private(set) var marks: [String: Mark?] = [:]

  /// Notes the files of a process, and these.
  init(of pid: pid_t, and files: [String]) {
    let maps = Self.read("/proc/\(pid)/maps")
    for (path, isReplaced) in Self.mapped(maps) { marks[path] = .some(isReplaced ? nil : Self.mark(of: path)) }
    for file in files where marks[file] == nil { marks[file] = .some(Self.mark(of: file)) }
  }

  /// The files that are not what they were, sorted.
  func replaced() -> [String] {
    marks.filter { path, mark in mark == nil || Self.mark(of: path) != mark }.keys.sorted()
  }

  /// The files that the lines of `/proc/PID/maps` name with code in them, and whether each has been replaced since it
  /// was mapped.
  static func mapped(_ maps: String) -> [String: Bool] {
    var files: [String: Bool] = [:]
    for line in maps.split(separator: "\n") {
      // 7f0c-7f0d r-xp 00001000 fe:01 1234    /usr/lib/libperl.so.5.36 (deleted)
      let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
      guard fields.count == 6, fields[1].contains("x") else { continue }
      var path = fields[5].drop { $0 == " " }
      guard path.hasPrefix("/"), !path.hasPrefix("/memfd:"), !path.hasPrefix("/dev/") else { continue }
      let isReplaced = path.hasSuffix(" (deleted)")
      if isReplaced { path = path.dropLast(10) }
      files[String(path)] = isReplaced || files[String(path)] == true
    }
    return files
  }

  private static func mark(of path: String) -> Mark? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return Mark(
      device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
      modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec))
  }

  private static func read(_ path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while case let count = Glibc.read(file, &buffer, buffer.count), count > 0 { text += buffer[..<count] }
    return String(decoding: text, as: UTF8.self)
  }
}
