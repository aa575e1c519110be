import CLinux
import Foundation
import Glibc
import Testing

/// What whoever has started a server sees of its restarts.
@Suite(.lane) struct RestartedServiceTests {
  private func serve(
    _ options: ServerOptions = .production, expecting end: ProcessEnd? = .code(0), _ body: (Server) throws -> Void
  ) throws {
    let site = try Site(["app.psgi": Site.restarting()])
    try site.serve(options, expecting: end) { server in
      #expect(try server.text() == "\(server.process.pid) one 0")
      try body(server)
    }
  }

  private func isNothingLeft(of server: Server) throws -> Bool {
    try eventually {
      try server.process.session().isEmpty
        && FileManager.default.contentsOfDirectory(atPath: server.site.notes + "/nacre").isEmpty
    }
  }

  // MARK: The process that it was started as

  @Test func itPassesSignalsOnAndEndsWithTheServer() throws {
    try serve(expecting: nil) { server in
      for _ in 0..<3 { try server.restart() }
      let new = try server.serving()
      #expect(server.runsOnly(server.process.pid, new), "\(server.process.session())")
      try server.site.write("app.psgi", Site.restarting("two"))
      server.process.send(SIGHUP)
      #expect(server.logs("generation 2 by"), "\(server)")
      #expect(try server.text() == "\(new) two 0", "\(server)")
      server.process.send(SIGUSR2)
      #expect(server.logs("USR2 changes nothing"), "\(server)")
      server.process.send(SIGTERM)
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
      #expect(try isNothingLeft(of: server), "\(server.process.session())")
    }
  }

  @Test func itPassesSignalsOnWhileItFinishesARequest() throws {
    try serve(expecting: nil) { server in
      let slow = try server.connect()
      try slow.request("GET", "/slow")
      #expect(server.site.hasBegun())
      let new = try server.restart()
      server.process.send(SIGTERM)
      #expect(eventually { kill(new, 0) != 0 }, "\(server)")
      #expect(server.process.ended() == nil, "it has a request in hand")
      try server.site.go()
      #expect(try slow.response().status == 200, "\(server)")
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
    }
  }

  @Test(arguments: [1, 2]) func itEndsAsTheServerDoes(_ restarts: Int) throws {
    try serve(expecting: nil) { server in
      var new: pid_t = 0
      for _ in 0..<restarts { new = try server.restart() }
      #expect(server.runsOnly(server.process.pid, new), "\(server.process.session())")
      kill(new, SIGKILL)
      #expect(server.process.waitForEnd() == .signal(SIGKILL), "\(server)")
      #expect(try isNothingLeft(of: server), "\(server.process.session())")
    }
  }

  @Test(arguments: [1, 2]) func nothingOutlivesItsDeath(_ restarts: Int) throws {
    var options = ServerOptions.production
    options.listen = ["127.0.0.1:PORT", "app.sock"]
    try serve(options, expecting: nil) { server in
      for _ in 0..<restarts { try server.restart() }
      #expect(server.runsOnly(server.process.pid, try server.serving()), "\(server.process.session())")
      server.process.send(SIGKILL)
      #expect(server.process.waitForEnd() == .signal(SIGKILL))
      #expect(try isNothingLeft(of: server), "\(server.process.session())")
      #expect(eventually { !FileManager.default.fileExists(atPath: server.site.absolute("app.sock")) })
    }
  }

  @Test func serverOutlivesItsPredecessorBeforeAnOlderOneHasFinished() throws {
    try serve(expecting: nil) { server in
      try server.restart()
      let slow = try server.connect()
      try slow.request("GET", "/slow")
      #expect(server.site.hasBegun())
      let between = try server.restart()
      let last = try server.restart()
      // The kernel gives the last one to the one that still has a request in hand.
      #expect(eventually { kill(between, 0) != 0 }, "\(server)")
      try server.site.go()
      #expect(try slow.response().status == 200, "\(server)")
      #expect(server.runsOnly(server.process.pid, last), "\(server.process.session())\n\(server)")
      #expect(try server.text() == "\(last) one 0", "\(server)")
      // It depends on the process that it was started as, as if there had been nobody between.
      #expect(eventually { ProcessEntry(pid: last)?.parent == server.process.pid }, "\(server.process.session())")
      server.process.send(SIGKILL)
      #expect(server.process.waitForEnd() == .signal(SIGKILL))
      #expect(try isNothingLeft(of: server), "\(server.process.session())")
    }
  }

  @Test func pidFileNamesTheServerOfToday() throws {
    let site = try Site(["app.psgi": Site.restarting()])
    let file = site.notes + "/nacre.pid"
    var options = ServerOptions.production
    options.arguments = ["--pid", file]
    try site.serve(options) { server in
      #expect(try server.text() == "\(server.process.pid) one 0")
      for _ in 0..<2 {
        let new = try server.restart()
        #expect(contents(of: file) == "\(new)\n")
        #expect(server.runsOnly(server.process.pid, new), "\(server.process.session())")
        #expect(contents(of: file) == "\(new)\n", "the old one has left it")
      }
      try site.write("app.psgi", "die")
      try server.failToRestart("could not be loaded")
      #expect(contents(of: file) == "\(try server.serving())\n")
      try site.write("app.psgi", Site.restarting())
    }
    #expect(!FileManager.default.fileExists(atPath: file))
  }

  @Test func stoppingTheNewServerEndsAll() throws {
    try serve(expecting: nil) { server in
      try server.restart()
      let run = try server.nacre("stop", "-p", "\(server.port)")
      #expect(run.end == .code(0), "\(run)")
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
      #expect(try isNothingLeft(of: server), "\(server.process.session())")
    }
  }

  // MARK: The control socket

  @Test func controlSocketIsThereAllTheTime() throws {
    try serve { server in
      let path = server.controlSocket
      let look = """
        use IO::Socket::UNIX; my ($path, $end) = @ARGV; my ($looks, $missing) = (0, 0);
        until (-e $end) { $looks++; IO::Socket::UNIX->new(Peer => $path) or $missing++ }
        print "$looks looks, $missing missing";
        """
      let output = server.site.notes + "/looks"
      let looker = try ChildProcess(
        [Products.perl, "-e", look, path, server.site.notes + "/end"], directory: "/", environment: testEnvironment,
        output: output, errors: output)
      for _ in 0..<5 { try server.restart() }
      try server.site.write(server.site.notes + "/end", "")
      #expect(looker.waitForEnd() == .code(0))
      #expect(contents(of: output).contains(", 0 missing"), "\(contents(of: output))")
      #expect(!contents(of: output).hasPrefix("0 looks"))
    }
  }

  @Test func logFollowsTheNewServer() throws {
    try serve { server in
      let output = server.site.notes + "/followed"
      let log = try ChildProcess(
        [Products.nacre, "log", "-p", "\(server.port)"], directory: "/",
        environment: testEnvironment.merging(server.site.controlVariables) { $1 }, output: output, errors: output)
      // It has begun to follow once it shows something.
      var round = 0
      #expect(
        try eventually {
          round += 1
          try server.site.write("app.psgi", Site.restarting("\(round)"))
          return contents(of: output).contains("generation")
        } as Bool)
      for _ in 0..<2 {
        let new = try server.restart()
        #expect(eventually { contents(of: output).contains("restarted: process \(new) serves") })
      }
      try server.site.write("app.psgi", "die 'after all'")
      #expect(eventually { contents(of: output).contains("after all") }, "\(contents(of: output))\(server)")
      log.killSession()
    }
  }

  // MARK: Accounts and service managers

  @Test(.enabled(if: getuid() == 0, "only root can become somebody else"))
  func serverThatHasBecomeAnotherUserIsRestartedAsThatUser() throws {
    let site = try Site(["app.psgi": Site.app("join ' ', getppid, $<, $>")])
    chmod(site.notes, 0o755)
    let user = try #require(getpwnam("nobody")).pointee.pw_uid
    var options = ServerOptions.production
    options.arguments = [
      "--user", "nobody", "--error-log", site.notes + "/errors", "--control", site.notes + "/c/control",
    ]
    try FileManager.default.createDirectory(atPath: site.notes + "/c", withIntermediateDirectories: false)
    chmod(site.notes + "/c", 0o700)
    chown(site.notes + "/c", user, gid_t.max)
    try site.serve(options) { server in
      #expect(try server.text() == "\(server.process.pid) \(user) \(user)", "\(server)")
      for _ in 0..<2 {
        let run = try server.nacre("restart", "--control", site.notes + "/c/control")
        #expect(run.end == .code(0), "\(run)\n\(contents(of: site.notes + "/errors"))")
        let new = try #require(run.output.firstMatch(of: /pid (\d+)/).flatMap { pid_t($0.1) })
        #expect(try server.text() == "\(new) \(user) \(user)", "\(server)")
      }
    }
  }

  @Test func serviceManagerIsToldOfTheNewProcessAndNobodyStaysBehind() throws {
    let site = try Site(["app.psgi": Site.restarting()])
    let manager = try Manager(site.notes + "/notify")
    var options = ServerOptions.production
    options.variables = ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "400000"]
    try site.serve(options, expecting: nil) { server in
      #expect(manager.hears("READY=1\n"), "\(server)")
      #expect(try server.text() == "\(server.process.pid) one 0")
      let new = try server.restart()
      #expect(manager.hears("RELOADING=1\n", "MONOTONIC_USEC=", "MAINPID=\(new)\nREADY=1\n"), "\(server)")
      #expect(manager.hears("STATUS=generation 1 serves\n"), "\(server)")
      #expect(server.process.waitForEnd() == .code(0), "the old one leaves\n\(server)")
      for _ in 0..<3 { #expect(manager.hears("WATCHDOG=1\n"), "\(server)") }
      try site.write("app.psgi", "die")
      try server.failToRestart("could not be loaded")
      #expect(manager.hears("RELOADING=1\n", "READY=1\n"), "\(server)")
      let run = try server.nacre("stop", "-p", "\(server.port)")
      #expect(run.end == .code(0), "\(run)")
      #expect(manager.hears("STOPPING=1\n"), "\(server)")
      #expect(try isNothingLeft(of: server), "\(server.process.session())")
    }
  }
}
