import Foundation
import Glibc
import Testing

private let unshare = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
private let canUnshare = (try? Command.run(unshare + ["/bin/true"]))?.end == .code(0)

/// As the first process of a container: nobody else reaps, and signals without a handler do nothing.
@Suite(.lane, .enabled(if: canUnshare, "this user may not make process name spaces (unshare --pid)"))
struct ContainerTests {
  private func options(_ arguments: String..., environment: String = "development") -> ServerOptions {
    var options = ServerOptions(environment: environment)
    options.command = unshare + [Products.nacre]
    options.arguments = arguments
    return options
  }

  /// The id outside of the container of its first process.
  private func first(_ server: Server) throws -> pid_t {
    let unshare = server.process.pid
    return try firstValue { ProcessEntry.all().first { $0.parent == unshare && $0.state != "Z" }?.pid }
  }

  private func zombies(_ server: Server) -> [ProcessEntry] {
    ProcessEntry.all().filter { $0.session == server.process.pid && $0.state == "Z" }
  }

  @Test(.slow) func noZombieIsLeftAfterTwoHundredReloadsAndByOrphansOfTheApplication() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "Part::word()",
        using: """
          use Part;
          # A child of a child that is left behind while the application loads.
          if (!fork) { if (!fork) { require POSIX; POSIX::_exit(0) } POSIX::_exit(0) if require POSIX } wait;
          """),
      "lib/Part.pm": "package Part; sub word { 0 } 1;",
    ])
    try site.serve(options(), expecting: nil) { server in
      let nacre = try first(server)
      #expect(contents(of: "/proc/\(nacre)/status").contains("\t1\n"), "it is the first of its name space")
      for round in 1...200 {
        try site.write("lib/Part.pm", "package Part; sub word { \(round) } 1;")
        #expect(try server.text() == "\(round)", "\(server)")
      }
      #expect(eventually { zombies(server).isEmpty }, "\(zombies(server))\n\(server)")
      // A base, two checkpoints, two molds, two workers, with some on their way out: not one for each reload.
      #expect(eventually { server.perlProcesses.count < 12 }, "\(server.process.session())")
      kill(nacre, SIGTERM)
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
    }
  }

  @Test func orphansOfRequestsAreReaped() throws {
    let site = try Site([
      "app.psgi": """
      require POSIX;
      sub {
        if (!fork) { for (1 .. 3) { if (!fork) { select undef, undef, undef, 0.1; POSIX::_exit(0) } } POSIX::_exit(0) }
        wait;
        [200, ['Content-Type' => 'text/plain'], ['done']];
      };
      """
    ])
    try site.serve(options(), expecting: nil) { server in
      for _ in 0..<5 { #expect(try server.text() == "done", "\(server)") }
      let nacre = try first(server)
      #expect(eventually { zombies(server).isEmpty && server.perlProcesses.count < 9 }, "\(server)")
      kill(nacre, SIGTERM)
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
    }
  }

  @Test(arguments: [SIGTERM, SIGINT, SIGQUIT]) func itStopsWithinASecondWithIdleConnectionsOpen(_ signal: Int32) throws
  {
    let site = try Site(["app.psgi": Site.app("'hello'")])
    // The bound is part of the promise; a machine that does something else meanwhile gets another try.
    var times: [Duration] = []
    for _ in 0..<3 where times.last.map({ $0 > .seconds(1) }) ?? true {
      try site.serve(options(environment: "production"), expecting: nil) { server in
        let idle = try (0..<20).map { _ in try server.connect() }
        for connection in idle { #expect(try connection.exchange().text == "hello") }
        let nacre = try first(server)
        let start = ContinuousClock.now
        kill(nacre, signal)
        #expect(server.process.waitForEnd() == .code(0), "\(server)")
        times.append(ContinuousClock.now - start)
        #expect(server.process.session().isEmpty)
      }
    }
    #expect(times.last! < .seconds(1), "\(times)")
  }

  @Test func requestInHandIsFinishedBeforeTheContainerEnds() throws {
    // As `docker stop` does: TERM, and KILL only later.
    let site = try Site([
      "app.psgi": """
      sub {
        open my $note, '>', '../begun';
        select undef, undef, undef, 0.01 until -e '../go';
        [200, ['Content-Type' => 'text/plain'], ['done']];
      };
      """
    ])
    try site.serve(options(environment: "production"), expecting: nil) { server in
      let connection = try server.connect()
      try connection.request()
      #expect(eventually { FileManager.default.fileExists(atPath: site.notes + "/begun") })
      kill(try first(server), SIGTERM)
      #expect(eventually { (try? server.connect()) == nil }, "nobody new is let in")
      try site.write(site.notes + "/go", "")
      #expect(try connection.response().text == "done", "\(server)")
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
    }
  }

  @Test func firstProcessStaysThroughRestarts() throws {
    let site = try Site(["app.psgi": Site.restarting()])
    try site.serve(options(environment: "production"), expecting: nil) { server in
      #expect(try server.text() == "1 one 0", "\(server)")
      let nacre = try first(server)
      let client = try server.connect()
      for _ in 0..<3 {
        let new = try server.restart()
        #expect(try client.exchange().text == "\(new) one 0", "\(server)")
      }
      #expect(eventually { zombies(server).isEmpty }, "\(zombies(server))\n\(server)")
      kill(nacre, SIGTERM)
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
    }
  }

  @Test func signalsThatMeanNothingHereChangeNothing() throws {
    let site = try Site(["app.psgi": Site.app("'hello'")])
    try site.serve(options(environment: "production"), expecting: nil) { server in
      let nacre = try first(server)
      for signal in [SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU] { kill(nacre, signal) }
      #expect(server.logs("USR1 changes nothing") && server.logs("USR2 changes nothing"), "\(server)")
      #expect(server.logs("TTIN changes nothing") && server.logs("TTOU changes nothing"), "\(server)")
      #expect(try server.text() == "hello", "\(server)")
      kill(nacre, SIGTERM)
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
    }
  }
}
