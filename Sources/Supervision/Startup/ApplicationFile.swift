import Glibc
import SourceFiles

/// Where an application's PSGI file is.
public enum ApplicationFile {
  /// The absolute path of the file that `name` means: itself, or `app.psgi` in the directory.
  public static func find(_ name: String) throws(StartupError) -> String {
    let path = clean(absolute(name))
    if isDirectory(path) {
      let file = path == "/" ? "/app.psgi" : "\(path)/app.psgi"
      guard isFile(file) else {
        throw StartupError("there is no app.psgi in \(path): name the application's file.")
      }
      return try readable(file)
    }
    guard access(path, F_OK) == 0 else { throw StartupError("the application \(name) does not exist.") }
    return try readable(path)
  }

  /// The application's directory: that of its file, or the one above if the file is in `bin`, `script` or the like
  /// (`dancer2 gen` and `mojo generate app` lay applications out so, with the templates beside `bin`).
  ///
  /// - Parameters:
  ///   - file: The absolute path of the application's file.
  ///   - person: The home directory of whoever runs it, which holds more than an application, like
  ///     `/usr/local`; nil: `HOME` says.
  public static func directory(of file: String, person: String? = nil) -> String {
    let person = person ?? getenv("HOME").map { String(cString: $0) } ?? ""
    let directory = SourceFiles.directory(of: file)
    let above = SourceFiles.directory(of: directory)
    let isCommands = ["bin", "script", "scripts", "psgi"].contains(String(directory.split(separator: "/").last ?? ""))
    return !isCommands || ["/", "/usr", "/usr/local", "/opt", person].contains(above) ? directory : above
  }

  private static func readable(_ file: String) throws(StartupError) -> String {
    guard access(file, R_OK) == 0 else {
      throw StartupError("the application \(file) cannot be read: \(String(cString: strerror(errno))).")
    }
    return file
  }

  /// Takes out `.` and `..`. What a `..` after a link means only the file system can tell, so the directory's links are
  /// resolved then; otherwise they are left, for a switched link is a change of the code.
  private static func clean(_ path: String) -> String {
    var path = path
    while path.count > 1, path.hasSuffix("/") { path.removeLast() }
    let parts = path.split(separator: "/")
    guard parts.contains(where: { $0 == "." || $0 == ".." }), let last = parts.last else { return path }
    if last == "." || last == ".." { return resolved(path) }
    let directory = resolved(SourceFiles.directory(of: path))
    return directory == "/" ? "/\(last)" : "\(directory)/\(last)"
  }
}
