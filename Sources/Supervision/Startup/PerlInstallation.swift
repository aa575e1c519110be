import CLinux
import Glibc
import SourceFiles
import Switchboard

/// The perl that runs the application, as it describes itself.
public struct PerlInstallation: Equatable, Sendable {
  /// The program, absolute.
  public var program: String
  /// `5.36.0`.
  public var version: String
  /// `x86_64-linux-gnu-thread-multi`.
  public var architecture: String
  /// Its own library directories (privlib, archlib, vendor, site and the built-in `@INC`), absolute, each also with
  /// its links resolved.
  public var libraryDirectories: [String]
}

extension PerlInstallation {
  /// Finds `name` (a path, or a program in `PATH`) and asks it.
  public init(asking name: String) throws(StartupError) {
    program = try Self.find(name)
    let lines = try Self.ask(program).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard lines.count > 3, lines[0] == "nacre", lines[1].first?.isNumber == true, !lines[2].isEmpty else {
      throw StartupError("\(program) is no perl that Nacre understands (5.16 or newer); choose one with --perl.")
    }
    version = lines[1]
    architecture = lines[2]
    libraryDirectories = Self.directories(lines.dropFirst(3))
  }

  private static func directories(_ lines: some Sequence<String>) -> [String] {
    var directories: [String] = []
    for line in lines where line.hasPrefix("/") {
      var path = line
      while path.count > 1, path.hasSuffix("/") { path.removeLast() }
      for directory in [path, resolved(path)] where directory != "/" && !directories.contains(directory) {
        directories.append(directory)
      }
    }
    return directories
  }

  private static func find(_ name: String) throws(StartupError) -> String {
    let candidates =
      name.contains("/")
      ? [absolute(name)]
      : (getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
        .map { absolute("\($0)/\(name)") }
    if let found = candidates.first(where: { access($0, X_OK) == 0 && isFile($0) }) { return found }
    throw StartupError("no perl was found as \(name); say where it is with --perl PATH.")
  }

  /// The seconds that perl has for its answer. A server that runs does nothing else meanwhile.
  private static let patience = 10

  /// What comes until the other end is closed; nil if that takes too long.
  private static func readAll(_ descriptor: Int32) -> [UInt8]? {
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    let end = EventLoop.clock() + UInt64(patience) * 1_000_000_000
    while answer.count < 1 << 20 {
      let now = EventLoop.clock()
      guard now < end else { return nil }
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&entry, 1, Int32((end - now) / 1_000_000) + 1)
      if ready < 0, errno == EINTR { continue }
      guard ready > 0 else { return nil }
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      answer += buffer[..<count]
    }
    return answer
  }

  private static func ask(_ program: String) throws(StartupError) -> String {
    let script = #"""
      print "nacre\n"; printf "%vd\n", $^V; print map { defined $_ ? "$_\n" : "" } $Config{archname},
      @Config{qw(privlibexp archlibexp vendorlibexp vendorarchexp sitelibexp sitearchexp)}, grep { !ref } @INC
      """#
    var pipe: [Int32] = [-1, -1]
    guard Spawning.makePipe(&pipe) else { throw StartupError("no descriptors are left.") }
    defer { close(pipe[0]) }
    do {
      let pid = try Spawning.start(
        program, ["-MConfig", "-e", script], keeping: [], output: pipe[1],
        removing: ["PERL5LIB", "PERL5OPT", "PERLLIB", "PERL5DB"])
      close(pipe[1])
      let answer = readAll(pipe[0])
      // It may have closed its output and not leave.
      if waitpid(pid, nil, answer == nil ? WNOHANG : 0) != pid {
        kill(pid, SIGKILL)
        waitpid(pid, nil, 0)
      }
      guard let answer else {
        throw StartupError("\(program) does not answer within \(patience) s; choose another with --perl.")
      }
      return String(decoding: answer, as: UTF8.self)
    } catch let error as StartupError {
      throw error
    } catch {
      close(pipe[1])
      throw StartupError("\(error).")
    }
  }
}

/// `path` from the root; a relative one begins at the current directory.
public func absolute(_ path: String) -> String {
  if path.hasPrefix("/") { return path }
  guard let current = getcwd(nil, 0) else { return path }
  defer { free(current) }
  var rest = Substring(path)
  while rest.hasPrefix("./") { rest = rest.dropFirst(2) }
  let directory = String(cString: current)
  return rest.isEmpty || rest == "." ? directory : directory == "/" ? "/\(rest)" : "\(directory)/\(rest)"
}

/// `path` without links, or as it is if there is nothing.
func resolved(_ path: String) -> String { realPath(of: path) ?? path }

func isFile(_ path: String) -> Bool { status(path).map { $0.st_mode & S_IFMT == S_IFREG } ?? false }

func isDirectory(_ path: String) -> Bool { status(path).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false }

private func status(_ path: String) -> stat? {
  var information = stat()
  return stat(path, &information) == 0 ? information : nil
}
