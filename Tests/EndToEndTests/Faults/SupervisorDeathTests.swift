import Foundation
import Glibc
import Testing

/// `nacre` itself is killed, or stopped.
@Suite(.lane, .slow) struct SupervisorDeathTests {
  /// What a server has on the disk besides its application.
  private struct Traces {
    let temporary: String
    let socket: String
    let pidFile: String
    let control: String

    init(_ site: Site) throws {
      temporary = site.notes + "/tmp"
      (socket, pidFile, control) = (site.notes + "/app.sock", site.notes + "/pid", site.notes + "/control.sock")
      try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: false)
      chmod(site.notes, 0o700)
    }

    var options: ServerOptions {
      var options = ServerOptions.development
      options.listen = [socket, "127.0.0.1:PORT"]
      options.arguments = ["--pid", pidFile, "--control", control]
      options.variables = ["TMPDIR": temporary]
      return options
    }

    /// What is there.
    var left: [String] {
      [socket, pidFile, control].filter { access($0, F_OK) == 0 }
        + ((try? FileManager.default.contentsOfDirectory(atPath: temporary)) ?? [])
    }
  }

  /// The guardian of a server.
  private func guardian(of server: Server) throws -> pid_t {
    try firstValue {
      ProcessEntry.all().first {
        $0.parent == server.process.pid && contents(of: "/proc/\($0.pid)/cmdline").hasPrefix("nacre guardian")
      }?.pid
    }
  }

  private func isGone(_ pid: pid_t) -> Bool { ProcessEntry(pid: pid).map { $0.state == "Z" } ?? true }

  @Test(arguments: ["rest", "load", "start", "request", "body"])
  func killedSupervisorLeavesNoProcessNoSocketAndNoFile(phase: String) throws {
    let faults = try FaultSite()
    let traces = try Traces(faults.site)
    try faults.site.serve(traces.options, expecting: nil) { server in
      // The pid file is written when the server serves.
      #expect(eventually { traces.left.count == 3 }, "\(traces.left)\n\(server)")
      let guardian = try guardian(of: server)
      let client = try Connection(path: traces.socket)
      switch phase {
      case "load", "start":
        try faults.hold(phase == "load" ? .load : .start)
        try faults.save()
        try client.request()
        _ = try faults.awaitHeld(at: phase == "load" ? .load : .start)
      case "request":
        try faults.hold(.request)
        try client.request("GET", "/hold")
        _ = try faults.awaitHeld(at: .request)
      case "body":
        // 3 MB of 4 have been sent, and are in a file.
        try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n")
        try client.send([UInt8](repeating: 1, count: 3_000_000))
        #expect(
          eventually {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(server.process.pid)/fd")) ?? []
            return files.contains { name in
              let file = try? FileManager.default.destinationOfSymbolicLink(
                atPath: "/proc/\(server.process.pid)/fd/\(name)")
              return file?.hasPrefix(traces.temporary) == true
            }
          }, "\(server)")
      default: break
      }
      server.process.send(SIGKILL)
      #expect(server.process.waitForEnd() == .signal(SIGKILL))
      #expect(eventually { server.process.session().isEmpty }, "\(server.process.session())")
      #expect(eventually { traces.left.isEmpty }, "\(traces.left)")
      #expect(eventually { isGone(guardian) })
      #expect((try? client.isClosed()) != nil)
      #expect(throws: Stuck.self) { try Connection(port: server.port) }
    }
  }

  @Test func theSameIfItsWholeProcessGroupIsKilled() throws {
    let faults = try FaultSite()
    let traces = try Traces(faults.site)
    try faults.site.serve(traces.options, expecting: nil) { server in
      #expect(eventually { traces.left.count == 3 }, "\(server)")
      kill(-server.process.pid, SIGKILL)
      #expect(eventually { server.process.ended() != nil && server.process.session().isEmpty })
      #expect(eventually { traces.left.isEmpty }, "\(traces.left)")
    }
  }

  @Test func killedGuardianIsReplacedAndDoesItsWork() throws {
    let faults = try FaultSite()
    let traces = try Traces(faults.site)
    try faults.site.serve(traces.options, expecting: nil) { server in
      #expect(eventually { traces.left.count == 3 }, "\(server)")
      let first = try guardian(of: server)
      kill(first, SIGKILL)
      let second = try firstValue { (try? guardian(of: server)).flatMap { $0 == first ? nil : $0 } }
      // It is told what to remove right after its start.
      #expect(eventually { ProcessEntry(pid: second)?.state == "S" })
      server.process.send(SIGKILL)
      #expect(eventually { traces.left.isEmpty && isGone(second) }, "\(traces.left)")
    }
  }

  @Test func orderlyEndLeavesNoGuardian() throws {
    let faults = try FaultSite()
    let traces = try Traces(faults.site)
    var left: pid_t = 0
    try faults.site.serve(traces.options) { server in left = try guardian(of: server) }
    #expect(eventually { isGone(left) })
    #expect(traces.left.isEmpty)
  }

  @Test func whatSomebodyElseHasPutThereIsLeftAlone() throws {
    let faults = try FaultSite()
    let traces = try Traces(faults.site)
    try faults.site.serve(traces.options, expecting: nil) { server in
      #expect(eventually { traces.left.count == 3 }, "\(server)")
      let guardian = try guardian(of: server)
      unlink(traces.socket)
      try faults.site.write(traces.socket, "mine")
      server.process.send(SIGKILL)
      #expect(eventually { isGone(guardian) })
      #expect(traces.left == [traces.socket])
    }
  }

  @Test(arguments: ["production", "development"])
  func stoppedSupervisorGoesOnAsIfNothingHadBeen(environment: String) throws {
    let faults = try FaultSite()
    var options = ServerOptions(environment: environment)
    options.arguments = ["--hold", "120"]
    try faults.site.serve(options) { server in
      let crowd = Crowd(port: server.port)
      for round in 0..<6 {
        #expect(crowd.goesOn(), "\(server)")
        if round % 2 == 1 { try faults.hold(.load) }
        let generation = try faults.save()
        if round % 2 == 1 { _ = try faults.awaitHeld(at: .load) }
        server.process.send(SIGSTOP)
        #expect(eventually { ProcessEntry(pid: server.process.pid)?.state == "T" })
        // Events, ends of processes and connections gather meanwhile.
        if let worker = server.processes(.worker).first, round == 4 { kill(worker, SIGKILL) }
        faults.openAll()
        usleep(300_000)
        server.process.send(SIGCONT)
        #expect(eventually { crowd.newest >= generation }, "\(server)")
      }
      let outcome = crowd.stop()
      #expect(outcome.wrong.isEmpty && outcome.overtaken == 0 && outcome.stuck == 0, "\(outcome)\n\(server)")
      #expect(outcome.lost.count <= 1 && outcome.refused.isEmpty, "\(outcome)\n\(server)")
    }
  }
}
