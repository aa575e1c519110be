import CLinux
import Glibc

/// What perl finds when it is asked to `require` a file, and what it looked for before.
public struct RequireSearch: Equatable, Sendable {
  /// The file that perl would read; nil when it finds none.
  public var found: String?
  /// The paths that perl tried before, in order, where nothing was: a file that appears at one of them would be
  /// found instead. For a `.pm` file each directory is first tried with a `.pmc` file.
  public var missing: [String]
  /// A file that perl found but may not read; it stops there instead of going on with the next directory.
  public var unreadable: String?

  /// Looks for a key as `pp_require` does.
  ///
  /// - Parameters:
  ///   - key: What stands after `require`, as a file name (`My/App.pm`); one that begins with `/`, `./` or `../` is
  ///     not looked for in `@INC`.
  ///   - includes: `@INC` in order; nil stands for a reference (a hook), which only a living interpreter can ask.
  ///   - directory: The absolute working directory that relative entries start at.
  public init(of key: String, in includes: [String?], relativeTo directory: String) {
    missing = []
    if key.hasPrefix("/") || key.hasPrefix("./") || key.hasPrefix("../") {
      _ = look(at: absolute(key, relativeTo: directory))
      return
    }
    for case .some(let include) in includes where look(at: absolute(include + "/" + key, relativeTo: directory)) {
      return
    }
  }

  /// Whether the search ends at this path.
  private mutating func look(at path: String) -> Bool {
    // S_doopen_pm: the compiled form comes first.
    if path.hasSuffix(".pm"), lookAtOne(path + "c") { return true }
    return lookAtOne(path)
  }

  private mutating func lookAtOne(_ path: String) -> Bool {
    switch FileStatus.status(of: path) {
    case .failure(let error):
      if error.number == EACCES { return stop(at: path) }
      missing.append(path)
      return false
    case .success(let status):
      // S_check_type_and_open: passed over as if they were not there.
      if status.isDirectory || status.isBlockDevice { return false }
      guard access(path, R_OK) == 0 else { return stop(at: path) }
      found = path
      return true
    }
  }

  /// "Permission denied" ends the search ("no point in trying other paths", pp_ctl.c).
  private mutating func stop(at path: String) -> Bool {
    unreadable = path
    return true
  }
}
