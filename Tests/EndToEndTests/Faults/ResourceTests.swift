import Foundation
import Glibc
import Testing

/// What the system refuses for a while: processes, descriptors, disk space, memory.
@Suite(.lane, .slow) struct ResourceTests {
  private static let isRoot = getuid() == 0

  private func options(_ environment: String) -> ServerOptions {
    var options = ServerOptions(environment: environment)
    options.arguments = ["--hold", "120"]
    return options
  }

  @Test(.enabled(if: ControlGroup.isPossible("pids"), "no control group can be made here"))
  func withoutProcessesTheRunningGenerationServesAndTheNextComesWhenThereAreSome() throws {
    let faults = try FaultSite()
    let group = try ControlGroup("pids")
    try faults.site.serve(options("production")) { server in
      let crowd = Crowd(port: server.port)
      #expect(crowd.goesOn(), "\(server)")
      try group.add(server)
      try group.limit("pids.max", 1)
      let generation = try faults.save()
      #expect(server.logs("no process could be forked: Resource temporarily unavailable"), "\(server)")
      #expect(crowd.goesOn(), "\(server)")
      // A worker that dies now cannot be replaced, but the other one serves.
      kill(try #require(server.processes(.worker).first), SIGKILL)
      #expect(server.logs("the next one is forked in 1 s"), "\(server)")
      #expect(crowd.goesOn() && crowd.newest < generation, "\(server)")
      try group.limit("pids.max", 1000)
      #expect(eventually { crowd.newest == generation }, "\(server)")
      let outcome = crowd.stop()
      #expect(outcome.wrong.isEmpty && outcome.overtaken == 0 && outcome.stuck == 0, "\(outcome)\n\(server)")
      #expect(outcome.lost.count <= 1 && outcome.refused.isEmpty, "\(outcome)\n\(server)")
      #expect(server.isWhole(workers: 2), "\(server)")
    }
  }

  @Test(.enabled(if: ControlGroup.isPossible("pids"), "no control group can be made here"))
  func inDevelopmentTheReportSaysThatNoProcessCanBeForked() throws {
    let faults = try FaultSite()
    let group = try ControlGroup("pids")
    try faults.site.serve(options("development")) { server in
      #expect(try server.text() == "0 0 0", "\(server)")
      try group.add(server)
      try group.limit("pids.max", 1)
      try faults.save()
      let answer = try server.ask()
      #expect(
        answer.status == 500 && answer.text.contains("Resource temporarily unavailable"), "\(answer.text)\n\(server)")
      try group.limit("pids.max", 1000)
      #expect(eventually { (try? server.text()) == "1 0 0" }, "\(server)")
      #expect(server.log.components(separatedBy: "rejected").count <= 3, "it is not told each second\n\(server)")
    }
  }

  @Test(
    .slow, .enabled(if: Products.find("prlimit") != nil, "there is no prlimit"),
    arguments: ["production", "development"])
  func withoutDescriptorsConnectionsWaitAndReloadsAreTriedAgain(environment: String) throws {
    let faults = try FaultSite()
    try faults.site.serve(options(environment)) { server in
      let crowd = Crowd(port: server.port)
      #expect(crowd.goesOn(), "\(server)")
      let pid = server.process.pid
      let open = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd"))?.compactMap { Int($0) } ?? []
      // No new descriptor; those that are there go on.
      let highest = try #require(open.max())
      #expect(try Command.run(["/usr/bin/env", "prlimit", "--pid", "\(pid)", "--nofile=\(highest):"]).end == .code(0))
      let idle = try (0..<20).map { _ in try server.connect() }
      try faults.save()
      #expect(server.logs("cannot accept connections for the moment: Too many open files"), "\(server)")
      usleep(500_000)
      #expect(try Command.run(["/usr/bin/env", "prlimit", "--pid", "\(pid)", "--nofile=10000:"]).end == .code(0))
      #expect(eventually(within: 60) { crowd.newest == 1 }, "\(server)")
      for connection in idle { #expect(try connection.exchange().text == "1 0 0", "\(server)") }
      #expect(crowd.goesOn(), "\(server)")
      let outcome = crowd.stop()
      #expect(outcome.lost.isEmpty && outcome.overtaken == 0 && outcome.stuck == 0, "\(outcome)\n\(server)")
      // In development the report of the refusal is the answer meanwhile.
      #expect(
        outcome.wrong.allSatisfy { environment == "development" && $0.contains(" 500 ") }, "\(outcome)\n\(server)")
      #expect(!server.log.contains("whenever the application loads"), "\(server)")
    }
  }

  /// Each number of descriptors that are left is the end of another step of a reload; a moment later the step goes well.
  @Test(.enabled(if: Products.find("prlimit") != nil, "there is no prlimit"))
  func workerWhoseChannelIsLostServesNobody() throws {
    let faults = try FaultSite()
    try faults.site.serve(options("production")) { server in
      let crowd = Crowd(port: server.port)
      #expect(crowd.goesOn(), "\(server)")
      for round in 0..<16 {
        try allowDescriptors(1 + round % 8, server)
        let generation = try faults.save()
        usleep(.random(in: 0..<40_000))
        try allowDescriptors(10_000, server)
        #expect(eventually { crowd.newest == generation }, "\(server)")
        #expect(server.isWhole(workers: 2), "\(server)")
      }
      let outcome = crowd.stop()
      #expect(outcome.wrong.isEmpty && outcome.lost.isEmpty && outcome.stuck == 0, "\(outcome)\n\(server)")
    }
  }

  /// Lets the server open so many descriptors and no more.
  private func allowDescriptors(_ count: Int, _ server: Server) throws {
    let pid = server.process.pid
    let open = Set(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").compactMap { Int($0) })
    let limit = (0...open.count + count).filter { !open.contains($0) }[count]
    #expect(try Command.run(["/usr/bin/env", "prlimit", "--pid", "\(pid)", "--nofile=\(limit):"]).end == .code(0))
  }

  @Test func startedWithFewDescriptorsItTakesFewerConnections() throws {
    let faults = try FaultSite()
    var options = options("production")
    options.command = ["/bin/sh", "-c", #"ulimit -n 200; exec "$@""#, "sh", Products.nacre]
    try faults.site.serve(options) { server in
      let idle = try (0..<300).map { _ in try server.connect() }
      let crowd = Crowd(port: server.port)
      #expect(crowd.goesOn(), "\(server)")
      let generation = try faults.save()
      #expect(eventually { crowd.newest == generation }, "\(server)")
      #expect(crowd.stop().wrong.isEmpty, "\(server)")
      #expect(!server.log.contains("Too many open files"), "\(server)")
      _ = idle
    }
  }

  @Test(.enabled(if: isRoot && SmallDisk.isPossible, "no file system can be mounted here"))
  func aFullDiskCostsBodiesThatDoNotFitAndNobodyElse() throws {
    let disk = try SmallDisk()
    let faults = try FaultSite()
    var options = options("production")
    options.variables = ["TMPDIR": disk.path]
    // The log lies there, too.
    options.arguments += ["--error-log", disk.path + "/log", "--control", "off"]
    try faults.site.serve(options) { server in
      let crowd = Crowd(port: server.port, clients: 4)
      let long = [UInt8](repeating: 7, count: 3_000_000)
      for _ in 0..<3 {
        let refused = try server.connect()
        try refused.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(long.count)\r\n\r\n")
        // It is told before all of the body has been taken, so that sending it may fail.
        try? refused.send(long)
        #expect(try refused.response().status == 507, "\(contents(of: disk.path + "/log"))")
      }
      #expect(crowd.goesOn(), "\(server)")
      try disk.fill()
      // Nothing can be logged now, and everything else works.
      let generation = try faults.save()
      #expect(eventually { crowd.newest == generation }, "\(contents(of: disk.path + "/log"))")
      kill(try #require(server.processes(.worker).first), SIGKILL)
      #expect(eventually { server.processes(.worker).count == 2 })
      #expect(crowd.goesOn())
      try disk.free()
      // A save that leads to a message, which can be written again.
      try faults.save()
      #expect(
        eventually { contents(of: disk.path + "/log").contains("could not be written here before this one") },
        "\(contents(of: disk.path + "/log"))")
      let outcome = crowd.stop()
      #expect(outcome.wrong.isEmpty && outcome.lost.count <= 1 && outcome.stuck == 0, "\(outcome)")
    }
  }

  @Test(.enabled(if: isRoot && SmallDisk.isPossible, "no file system can be mounted here"))
  func aLongAnswerToASlowClientNeedsNoDisk() throws {
    let disk = try SmallDisk()
    let site = try Site(["app.psgi": Site.app("'x' x 9_000_000")])
    var options = ServerOptions.production
    options.variables = ["TMPDIR": disk.path]
    try site.serve(options) { server in
      try disk.fill()
      let slow = try server.connect()
      try slow.request()
      usleep(200_000)
      #expect(try slow.response().body.count == 9_000_000, "\(server)")
    }
  }

  @Test func workerWithoutMemoryIsReplacedAndItsRequestIs502() throws {
    let site = try Site([
      "app.psgi": Site.app("$env->{PATH_INFO} eq '/eat' ? length('x' x ($env->{BYTES} // 900_000_000)) : 'fine'")
    ])
    var options = ServerOptions.production
    // As the kernel's killer, perl ends at once when there is no memory.
    options.command = ["/bin/sh", "-c", #"ulimit -v 800000; exec "$@""#, "sh", Products.nacre]
    try site.serve(options) { server throws in
      for _ in 0..<3 {
        #expect(try server.ask("GET", "/eat").status == 502, "\(server)")
        #expect(try server.text() == "fine", "\(server)")
      }
      #expect(server.logs("another one takes its place"), "\(server)")
    }
  }

  @Test(.enabled(if: ControlGroup.isPossible("memory"), "no control group can be made here"))
  func workerThatTheKernelKillsForMemoryIsReplacedAndItsRequestIs502() throws {
    let site = try Site([
      "app.psgi": Site.app("$env->{PATH_INFO} eq '/eat' ? length('x' x ($env->{BYTES} // 400_000_000)) : 'fine'")
    ])
    let group = try ControlGroup("memory")
    try site.serve(.production) { server in
      #expect(try server.text() == "fine")
      try group.add(server)
      try group.limit(ControlGroup.isOld ? "memory.limit_in_bytes" : "memory.max", 200_000_000)
      for _ in 0..<3 {
        #expect(try server.ask("GET", "/eat").status == 502, "\(server)")
        #expect(try server.text() == "fine", "\(server)")
      }
      #expect(server.logs("was killed by signal 9 (SIGKILL); another one takes its place"), "\(server)")
    }
  }

  @Test func logThatNobodyReadsKeepsNobodyWaiting() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word()", using: "use Part;"), "lib/Part.pm": "package Part; sub word { 0 } 1;",
    ])
    let fifo = site.notes + "/log"
    #expect(mkfifo(fifo, 0o600) == 0)
    let reader = open(fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(reader) }
    var options = ServerOptions.development
    options.arguments = ["--error-log", fifo]
    try site.serve(options) { server in
      #expect(try server.text() == "0")
      // Fill the pipe: 64 KB of messages about reloads would take long.
      let writer = open(fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)
      defer { close(writer) }
      let text = [UInt8](repeating: UInt8(ascii: "x"), count: 4096)
      while write(writer, text, text.count) > 0 {}
      for round in 1...5 {
        try site.write("lib/Part.pm", "package Part; sub word { \(round) } 1;")
        #expect(try server.text() == "\(round)", "\(server)")
      }
      var bytes = [UInt8](repeating: 0, count: 1 << 20)
      while read(reader, &bytes, bytes.count) > 0 {}
      try site.write("lib/Part.pm", "package Part; sub word { 6 } 1;")
      #expect(try server.text() == "6", "\(server)")
      var said = ""
      #expect(
        eventually {
          let count = read(reader, &bytes, bytes.count)
          if count > 0 { said += String(decoding: bytes[..<count], as: UTF8.self) }
          return said.contains("messages could not be written here before this one\nnacre: generation 7")
        }, "\(said)")
    }
  }
}
