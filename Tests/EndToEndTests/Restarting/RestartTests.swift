import Foundation
import Glibc
import Testing

/// A new `nacre` takes the place of the running one.
@Suite(.lane) struct RestartTests {
  private func serve(
    _ options: ServerOptions = .production, files: [String: String] = [:], expecting end: ProcessEnd? = .code(0),
    _ body: (Server) throws -> Void
  ) throws {
    let site = try Site(["app.psgi": Site.restarting()].merging(files) { $1 })
    try site.serve(options, expecting: end) { server in
      #expect(try server.text() == "\(server.process.pid) one 0")
      try body(server)
    }
  }

  // MARK: What goes over

  @Test func requestInHandIsFinishedAndItsConnectionGoesOver() throws {
    try serve { server in
      let (slow, other) = (try server.connect(), try server.connect())
      try slow.request("GET", "/slow")
      #expect(server.site.hasBegun())
      let new = try server.restart()
      #expect(try other.exchange().text == "\(new) one 0", "\(server)")
      try server.site.go()
      #expect(try slow.response().text == "\(server.process.pid) one 0", "\(server)")
      #expect(try slow.exchange().text == "\(new) one 0", "the same connection\n\(server)")
      #expect(server.runsOnly(server.process.pid, new), "\(server.process.session())")
    }
  }

  @Test func requestsBehindOneInHandAreTheNewServers() throws {
    try serve { server in
      let client = try server.connect()
      let next = "GET /next HTTP/1.1\r\nHost: nacre.test\r\n\r\n"
      try client.send("GET /slow HTTP/1.1\r\nHost: nacre.test\r\n\r\n" + next + next)
      #expect(server.site.hasBegun())
      let new = try server.restart()
      try server.site.go()
      #expect(try client.response().text == "\(server.process.pid) one 0", "\(server)")
      for _ in 0..<2 { #expect(try client.response().text == "\(new) one 0", "\(server)") }
    }
  }

  @Test func requestsThatWaitForAWorkerAreTheNewServers() throws {
    var options = ServerOptions.production
    options.workers = 1
    try serve(options) { server in
      let (slow, waiting) = (try server.connect(), try (0..<5).map { _ in try server.connect() })
      try slow.request("GET", "/slow")
      #expect(server.site.hasBegun())
      for connection in waiting { try connection.request() }
      let new = try server.restart()
      for connection in waiting { #expect(try connection.response().text == "\(new) one 0", "\(server)") }
      try server.site.go()
      #expect(try slow.response().text == "\(server.process.pid) one 0", "\(server)")
    }
  }

  @Test func halfAHeadAndHalfAnUploadGoOverAndHalfALongOneIsFinished() throws {
    try serve { server in
      let (head, body, upload) = (try server.connect(), try server.connect(), try server.connect())
      try head.send("GET / HTTP/1.1\r\nHost: nacre")
      try body.send(
        "POST / HTTP/1.1\r\nHost: nacre.test\r\nContent-Length: 300000\r\n\r\n" + String(repeating: "a", count: 270_000)
      )
      try upload.send(
        "POST / HTTP/1.1\r\nHost: nacre.test\r\nContent-Length: 100000\r\n\r\n" + String(repeating: "a", count: 70_000))
      // It has been read.
      #expect(try server.text() == "\(server.process.pid) one 0")
      let new = try server.restart()
      try head.send(".test\r\n\r\n")
      #expect(try head.response().text == "\(new) one 0", "\(server)")
      try body.send(String(repeating: "a", count: 30_000))
      #expect(try body.response().text == "\(server.process.pid) one 300000", "\(server)")
      // What is short enough has been left in its socket.
      try upload.send(String(repeating: "a", count: 30_000))
      #expect(try upload.response().text == "\(new) one 100000", "\(server)")
      #expect(try body.exchange().text == "\(new) one 0", "\(server)")
    }
  }

  @Test func unixSocketAndItsFileGoOver() throws {
    var options = ServerOptions.production
    options.listen = ["127.0.0.1:PORT", "app.sock"]
    let site = try Site(["app.psgi": Site.restarting()])
    try site.serve(options) { server in
      #expect(try server.text() == "\(server.process.pid) one 0")
      let client = try Connection(path: site.absolute("app.sock"))
      #expect(try client.exchange().status == 200)
      var new: pid_t = 0
      for _ in 0..<3 {
        new = try server.restart()
        #expect(try client.exchange().text == "\(new) one 0", "\(server)")
        #expect(try Connection(path: site.absolute("app.sock")).exchange().text == "\(new) one 0", "\(server)")
      }
      #expect(server.runsOnly(server.process.pid, new), "\(server.process.session())")
      #expect(try Connection(path: site.absolute("app.sock")).exchange().text == "\(new) one 0", "the old one left it")
    }
    #expect(!FileManager.default.fileExists(atPath: site.absolute("app.sock")))
  }

  @Test func secureConnectionsAreFinishedAndNewOnesAreTheNewServers() throws {
    let site = try Site(["app.psgi": Site.restarting()])
    try site.makeCertificate()
    try site.serve(Way.tls.options(environment: "production")) { server in
      #expect(server.logs("serves app.psgi"))
      let output = site.notes + "/slow"
      let slow = try ChildProcess(
        ["/usr/bin/curl", "-sS"] + Way.tls.curl + ["https://127.0.0.1:\(server.port)/slow"], directory: site.path,
        environment: testEnvironment, output: output, errors: output + "-errors")
      #expect(site.hasBegun())
      let new = try server.restart()
      #expect(try server.curl(.tls).output == "\(new) one 0", "\(server)")
      try site.go()
      #expect(slow.waitForEnd() == .code(0), "\(contents(of: output + "-errors"))\(server)")
      #expect(contents(of: output) == "\(server.process.pid) one 0")
      #expect(server.runsOnly(server.process.pid, new), "\(server.process.session())")
    }
  }

  @Test func numbersOnAnAddressOfTheirOwnGoOver() throws {
    var options = ServerOptions.production
    let port = Port.free()
    options.arguments = ["--metrics", "127.0.0.1:\(port)"]
    try serve(options) { server in
      func numbers() throws -> String { try Connection(port: port).exchange("GET", "/metrics").text }
      #expect(try numbers().contains("nacre_requests_total"))
      for _ in 0..<2 {
        try server.restart()
        #expect(try numbers().contains("nacre_requests_total"), "\(server)")
      }
    }
  }

  // MARK: What is new

  @Test func newServerIsTheProgramAndTheDirectoryThatAreThereNow() throws {
    let site = try Site([
      "first/app.psgi": Site.restarting(), "second/app.psgi": Site.restarting("two"),
    ])
    // As a deployment does it: the program's directory, and the link that leads to the code.
    try site.link("current", to: "first")
    let prefix = site.notes + "/opt"
    for directory in ["/bin", "/lib/nacre"] {
      try FileManager.default.createDirectory(atPath: prefix + directory, withIntermediateDirectories: true)
    }
    try site.link(prefix + "/lib/nacre/perl", to: Products.sourceTree + "/perl/lib")
    try site.link(prefix + "/bin/libNacre.so", to: Products.directory + "/libNacre.so")
    func install() throws {
      try FileManager.default.copyItem(atPath: Products.nacre, toPath: prefix + "/bin/nacre.new")
      try site.rename(prefix + "/bin/nacre.new", to: prefix + "/bin/nacre")
    }
    func inode(_ path: String) -> ino_t {
      var status = stat()
      return stat(path, &status) == 0 ? status.st_ino : 0
    }
    try install()
    var options = ServerOptions.production
    options.listen = ["127.0.0.1:PORT", "app.sock"]
    options.command = ["/bin/sh", "-c", "cd current && exec \"$0\" \"$@\"", prefix + "/bin/nacre"]
    try site.serve(options) { server in
      #expect(try server.text() == "\(server.process.pid) one 0", "\(server)")
      #expect(inode("/proc/\(server.process.pid)/exe") == inode(prefix + "/bin/nacre"))
      #expect(inode(site.path + "/first/app.sock") > 0)
      let old = inode(prefix + "/bin/nacre")
      for name in ["two", "one", "two"] {
        try install()
        try site.switchLink("current", to: name == "two" ? "second" : "first")
        let new = try server.restart()
        #expect(try server.text() == "\(new) \(name) 0", "\(server)")
        let (here, there) = name == "two" ? ("second", "first") : ("first", "second")
        #expect(try Connection(path: "\(site.path)/\(here)/app.sock").exchange().text == "\(new) \(name) 0")
        #expect(inode("\(site.path)/\(there)/app.sock") == 0, "nobody listens there any more")
        #expect(inode("/proc/\(new)/exe") == inode(prefix + "/bin/nacre"), "the program that lies there now")
      }
      #expect(inode(prefix + "/bin/nacre") != old)
    }
  }

  @Test func newServerReadsItsOptionsAnew() throws {
    let other = Port.free()
    let site = try Site(["app.psgi": Site.restarting(), "nacre.toml": "drain = 20\n"])
    try site.serve(.production) { server in
      #expect(try server.text() == "\(server.process.pid) one 0")
      try site.write("nacre.toml", "metrics = \"127.0.0.1:\(other)\"\n")
      try server.restart()
      #expect(try Connection(port: other).exchange("GET", "/metrics").status == 200, "\(server)")
    }
  }

  // MARK: Failures

  @Test(arguments: [ServerOptions.production, .development])
  func applicationThatDoesNotLoadLeavesTheOldServer(_ options: ServerOptions) throws {
    var options = options
    options.arguments = ["--reload", "manual"]
    try serve(options) { server in
      let client = try server.connect()
      #expect(try client.exchange().text == "\(server.process.pid) one 0")
      try server.site.write("app.psgi", "use strict;\nmy $x = ;\n")
      try server.failToRestart(
        "could not be loaded", "app.psgi:2", "syntax error", "The server goes on (pid \(server.process.pid))")
      #expect(server.runsOnly(server.process.pid), "\(server.process.session())")
      #expect(try client.exchange().text == "\(server.process.pid) one 0", "\(server)")
      try server.site.write("app.psgi", Site.restarting("mended"))
      let new = try server.restart()
      #expect(try client.exchange().text == "\(new) mended 0", "\(server)")
    }
  }

  @Test func mistakeInTheOptionsLeavesTheOldServer() throws {
    let site = try Site(["app.psgi": Site.restarting(), "nacre.toml": ""])
    try site.serve(.production) { server in
      #expect(try server.text() == "\(server.process.pid) one 0")
      try site.write("nacre.toml", "wokers = 2\n")
      try server.failToRestart("there is no option wokers")
      try site.write("nacre.toml", "max-requests = -4\n")
      try server.failToRestart("--max-requests")
      #expect(try server.text() == "\(server.process.pid) one 0", "\(server)")
      #expect(server.runsOnly(server.process.pid), "\(server.process.session())")
    }
  }

  @Test func programThatCannotBeStartedLeavesTheOldServer() throws {
    let site = try Site(["app.psgi": Site.restarting()])
    let program = site.notes + "/nacre-link"
    try site.link(program, to: Products.nacre)
    var options = ServerOptions.production
    options.command = [program]
    try site.serve(options) { server in
      #expect(try server.text() == "\(server.process.pid) one 0")
      try site.remove(program)
      try server.failToRestart("\(program) cannot be started: No such file or directory")
      try site.write(program, "#!/bin/sh\nexit 3\n")
      chmod(program, 0o755)
      try server.failToRestart("ended before it could serve")
      #expect(try server.text() == "\(server.process.pid) one 0", "\(server)")
      try site.remove(program)
      try site.link(program, to: Products.nacre)
      try server.restart()
    }
  }

  @Test func addressThatAnotherHasLeavesTheOldServer() throws {
    let site = try Site(["app.psgi": Site.restarting(), "nacre.toml": ""])
    try site.serve(.production) { other in
      try site.serve(.production) { server in
        #expect(try server.text() == "\(server.process.pid) one 0")
        try site.write("nacre.toml", "metrics = \"127.0.0.1:\(other.port)\"\n")
        try server.failToRestart("port \(other.port) on 127.0.0.1 is in use by another program")
        // It had begun to listen: the old one has everything again.
        for _ in 0..<20 { #expect(try server.text() == "\(server.process.pid) one 0", "\(server)") }
        try site.write("nacre.toml", "")
        try server.restart()
      }
    }
  }

  @Test func secondRestartMeanwhileIsRefusedAndAKilledOneChangesNothing() throws {
    let waiting = "select undef, undef, undef, 0.01 until -e '../load';\n"
    let site = try Site(["app.psgi": waiting + Site.restarting()])
    try site.write(site.notes + "/load", "")
    try site.serve(.production) { server in
      #expect(try server.text() == "\(server.process.pid) one 0")
      try site.remove(site.notes + "/load")
      let output = site.notes + "/restart"
      let first = try ChildProcess(
        [Products.nacre, "restart", "-p", "\(server.port)"], directory: site.path,
        environment: testEnvironment.merging(site.controlVariables) { $1 }, output: output, errors: output + "-errors")
      #expect(server.logs("loads the application, and takes over"), "\(server)")
      try server.failToRestart("A restart is under way")
      #expect(try server.text() == "\(server.process.pid) one 0", "it serves meanwhile")
      // Somebody ends the new one.
      let pid = try #require(server.log.firstMatch(of: /restart: process (\d+) loads/).flatMap { pid_t($0.1) })
      kill(pid, SIGKILL)
      #expect(first.waitForEnd() == .code(1), "\(server)")
      #expect(contents(of: output + "-errors").contains("process \(pid) ended before it could serve"))
      #expect(server.runsOnly(server.process.pid), "\(server.process.session())")
      try site.write(site.notes + "/load", "")
      let new = try server.restart()
      #expect(try server.text() == "\(new) one 0", "\(server)")
    }
  }
}
