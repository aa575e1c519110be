import Glibc
import SourceFiles

/// The process's working directory, in which perl looks up relative paths at the moment it is asked.
enum WorkingDirectory {
  static var path: String {
    guard let bytes = getcwd(nil, 0) else { return "/" }
    defer { free(bytes) }
    return String(cString: bytes)
  }

  /// The absolute form of a path that perl uses now.
  static func absolute(_ path: String) -> String {
    SourceFiles.absolute(path, relativeTo: path.utf8.first == UInt8(ascii: "/") ? "/" : Self.path)
  }
}
