/// Which loaded files are watched: all but those in perl's own library directories.
public struct WatchRules: Equatable, Sendable {
  /// privlib, archlib, vendor and site directories of the perl in use, absolute, without a trailing slash.
  public var libraryDirectories: [String]
  /// Directories that are watched although they lie inside a library directory (`--watch`, `local/`).
  public var watchedDirectories: [String]

  /// Makes the rules.
  public init(libraryDirectories: [String], watchedDirectories: [String] = []) {
    self.libraryDirectories = libraryDirectories
    self.watchedDirectories = watchedDirectories
  }

  /// Whether a change of the file at this absolute path matters.
  public func isWatched(_ path: String) -> Bool {
    if Self.isOfKernel(path) { return false }
    if watchedDirectories.contains(where: { Self.contains($0, path) }) { return true }
    return !libraryDirectories.contains { Self.contains($0, path) }
  }

  /// Whether the path lies where the kernel makes content up (`/proc`, `/sys`, `/dev`): it differs at every look, and
  /// never means that code changed.
  public static func isOfKernel(_ path: String) -> Bool {
    contains("/proc", path) || contains("/sys", path) || contains("/dev", path)
  }

  /// Whether `path` is `directory` or lies below it, by path component: `/srv/a` does not contain `/srv/ab`.
  public static func contains(_ directory: String, _ path: String) -> Bool {
    if directory == "/" { return path.utf8.first == UInt8(ascii: "/") }
    guard path.utf8.starts(with: directory.utf8) else { return false }
    let count = directory.utf8.count
    return path.utf8.count == count
      || path.utf8[path.utf8.index(path.utf8.startIndex, offsetBy: count)] == UInt8(ascii: "/")
  }
}
