import CLinux
import Foundation
import Glibc
import Testing

/// How a test's server is started.
struct ServerOptions {
  /// `-E`.
  var environment = "development"
  /// `--workers`.
  var workers = 2
  /// Further options, before the application.
  var arguments: [String] = []
  /// The application's file or directory as written on the command line; nil if `arguments` say it.
  var application: String? = "app.psgi"
  /// Whether files are preloaded. Elsewhere a preload would only make the number of generations depend on time.
  var preloads = false
  /// The port; nil for any that is free.
  var port: UInt16?
  /// Environment variables beside those of the test.
  var variables: [String: String] = [:]
  /// The program, with what stands before it on the command line; `PORT` stands for the server's port.
  var command = [Products.nacre]
  /// `-l`, instead of a host and a port; `PORT` stands for the server's port.
  var listen: [String] = []

  /// As a person starts it to develop.
  static let development = ServerOptions()
  /// As it serves the public: requests do not wait for new code.
  static let production = ServerOptions(environment: "production")
}

/// A running `nacre`.
final class Server {
  let site: Site
  let port: UInt16
  let process: ChildProcess
  private let logFile: String

  /// Starts a server for the application and waits until it accepts connections.
  fileprivate init(_ site: Site, _ options: ServerOptions) throws {
    self.site = site
    logFile = site.notes + "/log-\(UUID().uuidString)"
    for _ in 0..<5 {
      let port = options.port ?? Port.free()
      let process = try ChildProcess(
        options.commandLine(port: port, include: site.include), directory: site.path,
        environment: testEnvironment.merging(site.controlVariables) { $1 }.merging(options.variables) { $1 },
        output: site.notes + "/output",
        errors: logFile)
      if try Self.accepts({ try options.connect(port, site) }, process) {
        (self.port, self.process) = (port, process)
        return
      }
      // Another program may have taken the port in between.
      guard contents(of: logFile).contains("\(port)") else { break }
    }
    throw Stuck("nacre did not start:\n\(contents(of: logFile))")
  }

  private static func accepts(_ connect: () throws -> Connection, _ process: ChildProcess) throws -> Bool {
    var connected = false
    _ = eventually(within: 60) {
      connected = (try? connect()) != nil
      return connected || process.ended() != nil
    }
    return connected
  }

  /// Everything that the server and its application have written to standard error, and the server to its log.
  var log: String { contents(of: logFile) }

  /// What the application has printed.
  var output: String { contents(of: site.notes + "/output") }

  /// Opens a connection.
  func connect() throws -> Connection { try Connection(port: port) }

  /// Asks on a connection of its own and reads the answer.
  func ask(
    _ method: String = "GET", _ path: String = "/", headers: [String] = [], body: [UInt8]? = nil
  ) throws -> Response {
    try connect().exchange(method, path, headers: headers + ["Connection: close"], body: body)
  }

  /// The body that a GET brings, as text.
  func text(_ path: String = "/") throws -> String { try ask("GET", path).text }

  /// Waits until the log contains a text; whether it came.
  func logs(_ text: String, within seconds: Double = 30) -> Bool {
    eventually(within: seconds) { log.contains(text) }
  }

  /// Waits until the log contains a text more often than so many times; whether it came.
  func logs(_ text: String, moreThan count: Int) -> Bool {
    eventually { log.components(separatedBy: text).count - 1 > count }
  }

  /// The ids of the Perl processes that it has started and that still run.
  var perlProcesses: [pid_t] { process.session().map(\.pid).filter { $0 != process.pid } }

  /// Stops it as a person would and checks that nothing is left.
  fileprivate func stop(expecting end: ProcessEnd?, sourceLocation: SourceLocation) {
    process.send(SIGTERM)
    let ended = process.waitForEnd(within: 30)
    if let end {
      #expect(ended == end, "how nacre ended; running: \(process.session())\n\(self)", sourceLocation: sourceLocation)
    }
    var left: [ProcessEntry] = []
    _ = eventually(within: 10) {
      left = process.session()
      return left.isEmpty
    }
    #expect(left.isEmpty, "processes left after nacre ended\n\(self)", sourceLocation: sourceLocation)
    process.killSession()
  }
}

extension Server: CustomStringConvertible {
  /// For the report of a failed test: the end of the log.
  var description: String {
    "log of nacre:\n" + log.split(separator: "\n", omittingEmptySubsequences: false).suffix(60).joined(separator: "\n")
  }
}

extension ServerOptions {
  /// A connection to the first address that the server is to have.
  fileprivate func connect(_ port: UInt16, _ site: Site) throws -> Connection {
    guard let first = listen.first, !first.contains("PORT") else { return try Connection(port: port) }
    return try Connection(path: site.absolute(first))
  }

  fileprivate func commandLine(port: UInt16, include: [String]) -> [String] {
    func filled(_ text: String) -> String { text.replacingOccurrences(of: "PORT", with: "\(port)") }
    let addresses = listen.isEmpty ? ["-o", "127.0.0.1", "-p", "\(port)"] : listen.flatMap { ["-l", filled($0)] }
    let common = addresses + ["-E", environment, "--perl", Products.perl]
    let options = ["--workers", "\(workers)"] + include.flatMap { ["-I", $0] } + (preloads ? ["--preload"] : [])
    return command.map(filled) + common + options + arguments + (application.map { [$0] } ?? [])
  }
}

extension Site {
  /// Serves the application while `body` runs; then stops the server and checks that it ends well (`expecting` nil:
  /// that `body` has seen to its end) and leaves no process behind.
  func serve(
    _ options: ServerOptions = .development, expecting end: ProcessEnd? = .code(0),
    sourceLocation: SourceLocation = #_sourceLocation, _ body: (Server) throws -> Void
  ) throws {
    let server = try Server(self, options)
    do {
      try body(server)
    } catch {
      Issue.record("\(error)\n\(server)", sourceLocation: sourceLocation)
    }
    server.stop(expecting: end, sourceLocation: sourceLocation)
  }
}

/// Finds ports for servers.
enum Port {
  private static let next = Counter(Int.random(in: 20_000..<31_000))

  /// Takes the port for this process; false if another run of these tests has it. The claim, an abstract Unix socket,
  /// lasts as long as the process.
  private static func claim(_ port: UInt16) -> Bool {
    let name = Array("nacre-test-port-\(port)".utf8)
    let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let length = MemoryLayout.offset(of: \sockaddr_un.sun_path)! + 1 + name.count
    let result = withUnsafeMutableBytes(of: &address) { memory in
      for (index, byte) in name.enumerated() { memory[length - name.count + index] = byte }
      return bind(fd, memory.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(length))
    }
    if result != 0 { close(fd) }
    return result == 0
  }

  /// A port that nobody uses, below those that the kernel gives to clients.
  static func free() -> UInt16 {
    while true {
      let port = UInt16(20_000 + next.increment() % 12_000)
      let fd = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      defer { close(fd) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if result == 0, claim(port) { return port }
    }
  }
}
