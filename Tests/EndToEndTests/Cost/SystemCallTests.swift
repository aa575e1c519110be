import Foundation
import Glibc
import Testing

/// What a request costs in system calls, by strace.
@Suite(.lane, .enabled(if: Strace.isPossible, "strace may not be used here")) struct SystemCallTests {
  private static let requests = 60

  /// The calls of nacre and its workers while requests come one by one on a kept-alive connection: the middle one of a
  /// few tries. A worker that is slow to give its connection back may find the next request there, and needs fewer; in
  /// production nacre gives the code of its start back a second after it, once, which reads a list of its mappings.
  private func calls(_ modules: Int, _ environment: String, _ arguments: [String] = []) throws -> [String: Int] {
    let site = try Site.ofModules(modules)
    var options = ServerOptions(environment: environment)
    options.arguments = arguments
    var tries: [[String: Int]] = []
    try site.serve(options) { server in
      let connection = try server.connect()
      _ = try connection.exchange("GET", "/")
      for _ in 0..<5 {
        let calls = try Strace.count(server.allProcesses, notes: site.notes) {
          for _ in 0..<Self.requests {
            usleep(5_000)
            _ = try connection.exchange("GET", "/")
          }
        }
        tries.append(calls)
      }
    }
    return tries.sorted { $0.values.reduce(0, +) < $1.values.reduce(0, +) }[tries.count / 2]
  }

  @Test(.slow) func costNeitherGrowsWithTheApplicationNorByMoreThanOneCallWithReloading() throws {
    let off = try calls(10, "production", ["--reload", "off"])
    let counts = [
      try calls(10, "production"), try calls(10, "development"), try calls(400, "production"),
      try calls(400, "development"), try calls(400, "production", ["--reload", "off"]),
    ]
    let least = off.values.reduce(0, +)
    #expect(least > Self.requests * 4, "strace counted \(off)")
    for (index, calls) in counts.enumerated() {
      let more = calls.values.reduce(0, +) - least
      let allowed = [0, 1, 0, 1, 0][index] * Self.requests
      // A few calls are not about requests: strace itself makes one, and the connection's deadline may be set.
      #expect(more <= allowed + Self.requests / 5, "\(more) calls more in case \(index): \(calls) instead of \(off)")
      let looks = calls.filter { name, count in
        count > 1 && ["stat", "open", "access", "readlink", "getdents", "inotify"].contains { name.contains($0) }
      }
      #expect(looks.isEmpty, "files are looked at: \(looks)")
    }
  }
}

/// Debian's strace.
enum Strace {
  /// Whether processes can be traced here.
  static let isPossible: Bool = {
    guard let strace = Products.find("strace") else { return false }
    return (try? Command.run([strace, "-c", "-o", "/dev/null", "/bin/true"]))?.end == .code(0)
  }()

  /// The calls that these processes make while `body` runs, by name.
  static func count(_ processes: [pid_t], notes: String, _ body: () throws -> Void) throws -> [String: Int] {
    let file = notes + "/strace-\(UUID().uuidString)"
    let tracer = try ChildProcess(
      [Products.find("strace") ?? "/strace", "-f", "-c", "-o", file] + processes.flatMap { ["-p", "\($0)"] },
      directory: "/", environment: testEnvironment, output: file + ".output", errors: file + ".errors")
    defer { tracer.killSession() }
    // A checkpoint that had to go may have left since it was listed.
    guard eventually({ processes.allSatisfy { isTraced($0) || ProcessEntry(pid: $0) == nil } }) else {
      throw Stuck("strace does not trace: \(contents(of: file + ".errors"))")
    }
    try body()
    tracer.send(SIGINT)
    _ = tracer.waitForEnd()
    var calls: [String: Int] = [:]
    for line in contents(of: file).split(separator: "\n") {
      // % time, seconds, µs a call, calls, errors if there were any, name
      let fields = line.split(separator: " ")
      guard fields.count >= 5, Double(fields[0]) != nil, let count = Int(fields[3]), fields.last != "total" else {
        continue
      }
      calls[String(fields.last!)] = count
    }
    return calls
  }

  private static func isTraced(_ pid: pid_t) -> Bool {
    let status = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
    return status.split(separator: "\n").contains { $0.hasPrefix("TracerPid:") && !$0.hasSuffix("\t0") }
  }
}
