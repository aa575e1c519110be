import CLinux
import Foundation
import Glibc

/// How a process ended.
enum ProcessEnd: Equatable {
  case code(Int32)
  case signal(Int32)

  init(waitStatus: Int32) {
    self = waitStatus & 0x7F == 0 ? .code(waitStatus >> 8 & 0xFF) : .signal(waitStatus & 0x7F)
  }
}

/// A program that a test has started, in a session of its own, so that whatever it leaves behind can be found.
final class ChildProcess {
  /// Its id, which is its session's too.
  let pid: pid_t
  private var end: ProcessEnd?

  /// Starts a program (an absolute path and its arguments). Its output goes to files, so that no pipe can fill up.
  init(
    _ arguments: [String], directory: String, environment: [String: String], output: String, errors: String
  ) throws {
    var argv = arguments.map { strdup($0) } + [nil]
    var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (argv + envp).forEach { free($0) } }
    guard let path = argv[0] else { throw Stuck("no program to start") }
    let highest = Int32(sysconf(Int32(_SC_OPEN_MAX)))
    // The child may only make system calls until it becomes the program: other threads' locks are as they were.
    let pid = directory.withCString { directory in
      output.withCString { output in
        errors.withCString { errors in
          let pid = cl_fork()
          guard pid == 0 else { return pid }
          setsid()
          let files = (
            open("/dev/null", O_RDONLY), open(output, O_WRONLY | O_CREAT | O_APPEND, 0o644),
            open(errors, O_WRONLY | O_CREAT | O_APPEND, 0o644)
          )
          dup2(files.0, 0)
          dup2(files.1, 1)
          dup2(files.2, 2)
          for descriptor in 3..<min(highest, 4096) { close(descriptor) }
          signal(SIGPIPE, SIG_DFL)
          cl_unblock_all_signals()
          if chdir(directory) == 0 { execve(path, &argv, &envp) }
          _exit(127)
        }
      }
    }
    guard pid > 0 else { throw Stuck("cannot start \(arguments[0]): \(String(cString: strerror(errno)))") }
    self.pid = pid
  }

  /// How it ended, or nil while it runs.
  func ended() -> ProcessEnd? {
    guard end == nil else { return end }
    var status: Int32 = 0
    if waitpid(pid, &status, WNOHANG) == pid { end = ProcessEnd(waitStatus: status) }
    return end
  }

  /// Waits for the end; nil if it still runs after so many seconds.
  func waitForEnd(within seconds: Double = 30) -> ProcessEnd? {
    _ = eventually(within: seconds) { ended() != nil }
    return end
  }

  /// Sends a signal, if it still runs.
  func send(_ signal: Int32) {
    if ended() == nil { kill(pid, signal) }
  }

  /// The processes of its session that still run, itself included.
  func session() -> [ProcessEntry] { ProcessEntry.all().filter { $0.session == pid && $0.state != "Z" } }

  /// Ends whatever still runs in its session.
  func killSession() {
    for process in session() { kill(process.pid, SIGKILL) }
    _ = waitForEnd(within: 10)
  }
}

/// One line of the process table.
struct ProcessEntry {
  var pid: pid_t
  var name: String
  var state: Character
  var parent: pid_t
  var group: pid_t
  var session: pid_t
  /// The process group in the foreground of its terminal; -1 without one.
  var foreground: pid_t

  /// Whether it is in the foreground of its terminal.
  var isInFront: Bool { foreground == group }

  /// Every process of the machine.
  static func all() -> [ProcessEntry] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { Int32($0) }.compactMap(ProcessEntry.init(pid:))
  }

  /// The entry of a process, or nil if it is gone.
  init?(pid: pid_t) {
    guard let line = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
      let open = line.firstIndex(of: "("), let close = line.lastIndex(of: ")")
    else { return nil }
    let fields = line[line.index(after: close)...].split(separator: " ")
    guard fields.count > 5, let parent = pid_t(fields[1]), let group = pid_t(fields[2]),
      let session = pid_t(fields[3]), let foreground = pid_t(fields[5])
    else { return nil }
    self.pid = pid
    name = String(line[line.index(after: open)..<close])
    state = fields[0].first ?? "?"
    self.parent = parent
    self.group = group
    self.session = session
    self.foreground = foreground
  }
}

/// A program run to its end.
struct Command {
  var end: ProcessEnd?
  var output: String
  var errors: String

  /// Runs a program and waits; `end` is nil if it had to be killed after so many seconds.
  static func run(
    _ arguments: [String], directory: String = "/", environment: [String: String] = [:], within seconds: Double = 60
  ) throws -> Command {
    let scratch = try Scratch()
    let (output, errors) = (scratch.path + "/output", scratch.path + "/errors")
    let child = try ChildProcess(
      arguments, directory: directory, environment: testEnvironment.merging(environment) { $1 }, output: output,
      errors: errors)
    let end = child.waitForEnd(within: seconds)
    child.killSession()
    return Command(end: end, output: contents(of: output), errors: contents(of: errors))
  }
}

/// The environment that programs under test get: ours without what would change what perl or Plack do, and the address
/// sanitizer where they were built for it.
let testEnvironment = ProcessInfo.processInfo.environment.filter {
  !["PERL5LIB", "PERL5OPT", "PLACK_ENV", "PERL_LOCAL_LIB_ROOT"].contains($0.key)
}.merging(Products.sanitizer.map { ["LD_PRELOAD": $0] } ?? [:]) { $1 }

/// The text of a file; empty if there is none.
func contents(of path: String) -> String {
  String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
}

/// A temporary directory that goes when nobody needs it any more.
final class Scratch {
  /// Its absolute path, without symbolic links.
  let path: String

  init() throws {
    var template = Array("/tmp/nacre-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template), let real = realpath(made, nil) else {
      throw Stuck("cannot make a directory in /tmp: \(String(cString: strerror(errno)))")
    }
    path = String(cString: real)
    free(real)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}
