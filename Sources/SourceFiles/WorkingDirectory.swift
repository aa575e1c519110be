import Glibc

/// The process's working directory, in which perl looks up relative paths at the moment it is asked.
public enum WorkingDirectory {
  /// Its absolute path; `/` if it cannot be told (it was removed).
  public static var path: String {
    guard let bytes = getcwd(nil, 0) else { return "/" }
    defer { free(bytes) }
    return String(cString: bytes)
  }

  /// The absolute form of a path that perl uses now.
  public static func absolute(_ path: String) -> String {
    SourceFiles.absolute(path, relativeTo: path.utf8.first == UInt8(ascii: "/") ? "/" : Self.path)
  }
}
