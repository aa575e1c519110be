import CLinux
import Glibc

/// A program that could not be started.
struct SpawnError: Error, CustomStringConvertible {
  /// The program.
  var program: String
  /// What the system said.
  var code: Int32

  var description: String { "\(program) cannot be started: \(String(cString: strerror(code)))" }
}

/// Starts programs that inherit chosen descriptors only.
///
/// `fork` and `exec` as such: `nacre` has one thread, so the child may do whatever it likes before `exec`.
enum Spawning {
  /// Starts `program` (a path) in a process group of its own, with an empty signal mask and nothing to read on its
  /// standard input.
  ///
  /// - Parameters:
  ///   - arguments: what follows the program's name.
  ///   - kept: the descriptors that stay open under their numbers, besides 0 to 2.
  ///   - output: what becomes its standard output; nil for `nacre`'s.
  ///   - removedVariables: names that are taken out of its environment.
  /// - Returns: its process id.
  static func start(
    _ program: String, _ arguments: [String], keeping kept: [Int32], output: Int32? = nil,
    removing removedVariables: [String] = []
  ) throws(SpawnError) -> pid_t {
    // What exec fails with comes back through a pipe that a successful exec closes.
    var pipe: [Int32] = [-1, -1]
    guard makePipe(&pipe) else { throw SpawnError(program: program, code: errno) }
    defer { close(pipe[0]) }
    var vector = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for pointer in vector { free(pointer) } }
    let pid = cl_fork()
    if pid == 0 {
      prepare(keeping: kept, output: output)
      for name in removedVariables { unsetenv(name) }
      execv(program, &vector)
      fail(pipe[1])
    }
    return try started(program, pid, &pipe)
  }

  /// Starts a program as this one was started, with one more variable that names a descriptor which stays open.
  static func start(
    _ start: StartSurroundings, keeping kept: Int32, variable: String
  ) throws(SpawnError) -> pid_t {
    var pipe: [Int32] = [-1, -1]
    guard makePipe(&pipe) else { throw SpawnError(program: start.program, code: errno) }
    defer { close(pipe[0]) }
    func vector(_ strings: [[UInt8]]) -> [UnsafeMutablePointer<CChar>?] {
      strings.map { bytes in
        (bytes + [0]).withUnsafeBufferPointer {
          strdup(UnsafeRawPointer($0.baseAddress!).assumingMemoryBound(to: CChar.self))
        }
      } + [nil]
    }
    var arguments = vector([Array(start.program.utf8)] + start.arguments)
    var variables = vector(start.variables + [Array("\(variable)=\(kept)".utf8)])
    defer { for pointer in arguments + variables { free(pointer) } }
    let pid = cl_fork()
    if pid == 0 {
      prepare(keeping: [kept], output: nil)
      if chdir(start.directory) == 0 { execve(start.program, &arguments, &variables) }
      fail(pipe[1])
    }
    return try started(start.program, pid, &pipe)
  }

  /// Tells, in the new process, why `exec` failed, and ends it.
  private static func fail(_ pipe: Int32) -> Never {
    var code = errno
    write(pipe, &code, MemoryLayout<Int32>.size)
    _exit(127)
  }

  /// Waits, in the old process, until the new one has become the program.
  private static func started(_ program: String, _ pid: pid_t, _ pipe: inout [Int32]) throws(SpawnError) -> pid_t {
    let forkError = errno
    close(pipe[1])
    guard pid > 0 else { throw SpawnError(program: program, code: forkError) }
    var code: Int32 = 0
    if read(pipe[0], &code, MemoryLayout<Int32>.size) > 0 {
      waitpid(pid, nil, 0)
      throw SpawnError(program: program, code: code)
    }
    return pid
  }

  /// The new process on its way to `exec`.
  private static func prepare(keeping kept: [Int32], output: Int32?) {
    setpgid(0, 0)
    let null = open("/dev/null", O_RDONLY)
    if null > 0 {
      dup2(null, 0)
      close(null)
    }
    if let output { dup2(output, 1) }
    for descriptor in kept { _ = cl_set_close_on_exec(descriptor, false) }
    signal(SIGPIPE, SIG_DFL)
    _ = cl_unblock_all_signals()
  }

  /// A pipe, closed on exec.
  static func makePipe(_ ends: inout [Int32]) -> Bool {
    guard pipe(&ends) == 0 else { return false }
    for end in ends { _ = cl_set_close_on_exec(end, true) }
    return true
  }
}
