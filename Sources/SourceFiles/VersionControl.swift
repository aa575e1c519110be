import CLinux
import Glibc

/// Whether a checkout is under way: git, Mercurial and Jujutsu hold a lock for as long as they change files.
public enum VersionControl {
  private static let locks = ["/.git/index.lock", "/.hg/wlock", "/.jj/working_copy/working_copy.lock"]

  /// Whether such a lock stands in a directory above this file.
  public static func isAtWork(above file: String) -> Bool {
    var directory = file[...]
    while let slash = directory.lastIndex(of: "/") {
      directory = directory[..<slash]
      if locks.contains(where: { exists(directory + $0) }) { return true }
      // A further work tree of a repository: ".git" is a file that says where its lock lies.
      if let own = privateDirectory(of: String(directory)), exists(own + "/index.lock") { return true }
    }
    return false
  }

  private static func exists(_ path: some StringProtocol) -> Bool {
    var status = stat()
    return lstat(String(path), &status) == 0
  }

  private static func privateDirectory(of tree: String) -> String? {
    let descriptor = openForReading(tree + "/.git")
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
      let count = read(descriptor, buffer.baseAddress, buffer.count)
      guard count > 0 else { return nil }
      let text = String(decoding: UnsafeRawBufferPointer(rebasing: buffer.prefix(count)), as: UTF8.self)
      guard text.hasPrefix("gitdir: "), let line = text.split(whereSeparator: \.isNewline).first else { return nil }
      let path = String(line.dropFirst("gitdir: ".count))
      return path.hasPrefix("/") ? path : tree + "/" + path
    }
  }
}
