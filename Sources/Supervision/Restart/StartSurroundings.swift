import CLinux
import Glibc

/// How this program was started, so that another one can be started in the same way: `nacre restart`.
public struct StartSurroundings: Sendable {
  /// The program, absolute, as it was named: what lies there now may be a newer one.
  let program: String
  /// Its arguments, without the program's name, as bytes.
  let arguments: [[UInt8]]
  /// The directory, absolute; by the links it was entered through, if the shell has told.
  let directory: String
  /// The variables, `NAME=value` as bytes, without those that were for this process alone.
  let variables: [[UInt8]]

  /// What tells this process alone of something.
  private static let own = InheritedSockets.variables + ["WATCHDOG_PID", Predecessor.variable]

  /// Notes it. To be called before any variable is changed or the directory is left.
  public static func note() -> StartSurroundings {
    let command = pieces(of: "/proc/self/cmdline")
    let variables = pieces(of: "/proc/self/environ").filter { variable in
      !own.contains { variable.starts(with: Array("\($0)=".utf8)) }
    }
    return StartSurroundings(
      program: program(named: command.first.map { String(decoding: $0, as: UTF8.self) } ?? ""),
      arguments: Array(command.dropFirst()), directory: workingDirectory(), variables: variables)
  }

  private static func pieces(of file: String) -> [[UInt8]] {
    var pieces = read(file).split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
    // The last one ends with a NUL, too.
    if pieces.last?.isEmpty == true { pieces.removeLast() }
    return pieces
  }

  private static func read(_ path: String) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return [] }
    defer { close(file) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while case let count = Glibc.read(file, &buffer, buffer.count), count > 0 { text += buffer[..<count] }
    return text
  }

  /// The path that led to this program. `/proc/self/exe` has no links any more, and an upgrade may switch one.
  private static func program(named name: String) -> String {
    let own = resolved("/proc/self/exe")
    let search = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
    let candidates =
      name.contains("/")
      ? [absolute(name)] : search.split(separator: ":").map { absolute("\($0)/\(name)") }
    return candidates.first { resolved($0) == own } ?? own
  }

  /// `PWD`, if that is where this process is: a deployment may switch a link in it (`/srv/shop/current`).
  private static func workingDirectory() -> String {
    let own = absolute(".")
    var (here, told) = (stat(), stat())
    guard let path = getenv("PWD").map({ String(cString: $0) }), path.hasPrefix("/"), stat(path, &told) == 0,
      stat(".", &here) == 0, here.st_dev == told.st_dev, here.st_ino == told.st_ino
    else { return own }
    return path
  }
}
