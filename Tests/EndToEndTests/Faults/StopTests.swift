import Foundation
import Glibc
import Testing

/// Workers that are stopped: what they hold, and what others do meanwhile.
@Suite(.lane, .slow) struct StopTests {
  private func stop(_ pid: pid_t) {
    kill(pid, SIGSTOP)
    #expect(eventually { ProcessEntry(pid: pid)?.state == "T" })
  }

  @Test func requestInAStoppedWorkerIsAnsweredWhenItGoesOn() throws {
    let faults = try FaultSite()
    try faults.site.serve(.production) { server in
      try faults.hold(.request)
      let waiting = try server.connect()
      try waiting.request("GET", "/hold")
      let worker = try faults.awaitHeld(at: .request)
      stop(worker)
      faults.open(.request)
      #expect(server.logs("worker \(worker) has been stopped for a second: another one takes its place"), "\(server)")
      #expect(eventually { server.processes(.worker).count == 3 }, "\(server)")
      let generation = try faults.save()
      #expect(eventually { (try? server.text()) == "\(generation) 0 0" }, "\(server)")
      kill(worker, SIGCONT)
      #expect(try waiting.response().text == "0 0 0", "\(server)")
      #expect(eventually { ProcessEntry(pid: worker).map { $0.state == "Z" } ?? true }, "it leaves\n\(server)")
    }
  }

  @Test(arguments: [1, 4]) func requestsAreServedThoughAllWorkersAreStopped(workers: Int) throws {
    let faults = try FaultSite()
    try faults.site.serve(ServerOptions(environment: "production", workers: workers)) { server in
      #expect(try server.text() == "0 0 0")
      for _ in 0..<2 {
        let stopped = server.processes(.worker).filter { ProcessEntry(pid: $0)?.state != "T" }
        for worker in stopped { stop(worker) }
        let answers = try (0..<20).map { _ in
          let connection = try server.connect()
          try connection.request()
          return connection
        }
        for answer in answers { #expect(try answer.response().text == "0 0 0", "\(server)") }
      }
      server.continueAll()
      #expect(server.isWhole(workers: workers), "\(server)")
    }
  }

  @Test func shortStopChangesNothing() throws {
    let faults = try FaultSite()
    try faults.site.serve(ServerOptions(environment: "production", workers: 1)) { server in
      #expect(try server.text() == "0 0 0")
      let worker = try #require(server.processes(.worker).first)
      kill(worker, SIGSTOP)
      kill(worker, SIGCONT)
      for _ in 0..<10 { #expect(try server.text() == "0 0 0", "\(server)") }
      #expect(server.processes(.worker) == [worker], "\(server)")
    }
  }

  @Test func requestThatTakesTooLongInAStoppedWorkerIsEnded() throws {
    let faults = try FaultSite()
    var options = ServerOptions.production
    options.arguments = ["--timeout", "2"]
    try faults.site.serve(options) { server in
      try faults.hold(.request)
      let waiting = try server.connect()
      try waiting.request("GET", "/hold")
      stop(try faults.awaitHeld(at: .request))
      #expect(try waiting.response().status == 504, "\(server)")
    }
  }

  @Test(arguments: [Part.base, .checkpoint, .mold]) func whatIsStoppedForLongAndNotNeededStays(_ part: Part) throws {
    let faults = try FaultSite()
    try faults.site.serve(.production) { server in
      #expect(try server.text() == "0 0 0")
      let process = try firstValue { server.processes(part).last }
      stop(process)
      #expect(server.logs("was stopped by signal 19 (SIGSTOP)"), "\(server)")
      for _ in 0..<10 { #expect(try server.text() == "0 0 0", "\(server)") }
      kill(process, SIGCONT)
      #expect(server.logs("\(process) goes on"), "\(server)")
      let generation = try faults.save()
      #expect(eventually { (try? server.text()) == "\(generation) 0 0" }, "\(server)")
    }
  }
}
