import CLinux
import Foundation
import Glibc

/// An application in a temporary directory, and the ways in which people and tools change its files. Paths are
/// relative to its directory unless they begin with a slash.
final class Site {
  private let scratch: Scratch
  /// The application's directory, absolute.
  let path: String
  /// Directories for `-I`, as they are written on the command line.
  let include: [String]

  /// Makes an application of these files. `lib`, if there is one, goes into `@INC`.
  init(_ files: [String: String], include: [String]? = nil) throws {
    scratch = try Scratch()
    path = scratch.path + "/site"
    self.include = include ?? (files.keys.contains { $0.hasPrefix("lib/") } ? ["lib"] : [])
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    for (file, text) in files { try write(file, text) }
  }

  /// What lies in a directory that is there already, such as a mount.
  init(at path: String, include: [String] = []) throws {
    scratch = try Scratch()
    self.path = path
    self.include = include
  }

  /// The source of an `app.psgi` that answers each request with a Perl expression as plain text.
  static func app(_ expression: String, using preamble: String = "") -> String {
    """
    use strict; use warnings;
    \(preamble)
    sub { my $env = shift; [200, ['Content-Type' => 'text/plain'], [\(expression)]] };
    """
  }

  /// A directory for what a test writes down outside of the application.
  var notes: String { scratch.path }

  /// Where its servers' control sockets are, away from those of everybody else.
  var controlVariables: [String: String] { ["XDG_RUNTIME_DIR": scratch.path] }

  /// The absolute path of a file.
  func absolute(_ file: String) -> String { file.hasPrefix("/") ? file : path + "/" + file }

  /// The text of a file.
  func read(_ file: String) -> String { contents(of: absolute(file)) }

  /// Writes into the file where it lies (`echo ... > file`), making its directories.
  func write(_ file: String, _ text: String) throws { try write(file, Array(text.utf8)) }

  /// As ``write(_:_:)-(_,String)``, for text that is not UTF-8.
  func write(_ file: String, _ bytes: [UInt8]) throws {
    let target = absolute(file)
    try FileManager.default.createDirectory(
      atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    let fd = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard fd >= 0 else { throw Stuck("cannot write \(target): \(String(cString: strerror(errno)))") }
    defer { close(fd) }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(fd, $0.baseAddress, $0.count) }
      guard count > 0 else { throw Stuck("cannot write \(target): \(String(cString: strerror(errno)))") }
      written += count
    }
  }

  /// Replaces part of a file's text, written in place.
  func edit(_ file: String, _ old: String, _ new: String) throws {
    let before = read(file)
    let after = before.replacingOccurrences(of: old, with: new)
    guard after != before else { throw Stuck("\(file) does not contain \(old)") }
    try write(file, after)
  }

  /// Writes a new file beside the old one and renames it over that (most tools' way of saving).
  func replace(_ file: String, _ text: String) throws {
    try write(file + ".new", text)
    try rename(file + ".new", to: file)
  }

  /// Saves as vim does: tries the directory with a file `4913`, moves the old file to `file~`, writes a new one.
  func saveLikeVim(_ file: String, _ text: String) throws {
    let directory = (absolute(file) as NSString).deletingLastPathComponent
    try write(directory + "/4913", "")
    try remove(directory + "/4913")
    try rename(file, to: file + "~")
    try write(file, text)
    try remove(file + "~")
  }

  /// Saves as Emacs does: a dangling link `.#file` as a lock, the old file kept as `file~`, the new one in its place.
  func saveLikeEmacs(_ file: String, _ text: String) throws {
    let target = absolute(file) as NSString
    let lock = target.deletingLastPathComponent + "/.#" + target.lastPathComponent
    try link(lock, to: "somebody@somewhere.1234")
    try rename(file, to: file + "~")
    try write(file, text)
    try remove(lock)
  }

  /// Renames a file or a directory.
  func rename(_ file: String, to other: String) throws {
    guard Glibc.rename(absolute(file), absolute(other)) == 0 else {
      throw Stuck("cannot rename \(file) to \(other): \(String(cString: strerror(errno)))")
    }
  }

  /// Removes a file, or a directory with what is in it.
  func remove(_ file: String) throws { try FileManager.default.removeItem(atPath: absolute(file)) }

  /// Makes a symbolic link with this text.
  func link(_ file: String, to target: String) throws {
    guard symlink(target, absolute(file)) == 0 else {
      throw Stuck("cannot link \(file): \(String(cString: strerror(errno)))")
    }
  }

  /// Points a symbolic link somewhere else in one step, as deployment tools do.
  func switchLink(_ file: String, to target: String) throws {
    try link(file + ".next", to: target)
    try rename(file + ".next", to: file)
  }

  /// A file's time of modification, in nanoseconds since the epoch.
  func modified(_ file: String) -> Int {
    var status = stat()
    stat(absolute(file), &status)
    return status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
  }

  /// Sets a file's time of modification.
  func setModified(_ file: String, _ nanoseconds: Int) throws {
    let time = timespec(tv_sec: nanoseconds / 1_000_000_000, tv_nsec: nanoseconds % 1_000_000_000)
    guard utimensat(AT_FDCWD, absolute(file), [time, time], 0) == 0 else {
      throw Stuck("cannot set the time of \(file): \(String(cString: strerror(errno)))")
    }
  }
}
