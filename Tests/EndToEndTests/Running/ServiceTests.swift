import CLinux
import Foundation
import Glibc
import Testing

/// What a service needs: a pid file, a service manager that is told, an account, a log file.
@Suite(.lane) struct ServiceTests {
  private let hello = Site.app("'hello'")

  private func options(_ arguments: String...) -> ServerOptions {
    var options = ServerOptions.production
    options.arguments = arguments
    return options
  }

  private func exists(_ file: String) -> Bool { FileManager.default.fileExists(atPath: file) }

  private func nacre(_ arguments: String..., in site: Site) throws -> Command {
    try Command.run([Products.nacre, "-E", "production", "-p", "0"] + arguments, directory: site.path)
  }

  private func expectSentence(_ run: Command, _ words: String) {
    #expect(run.end == .code(1), "\(run)")
    #expect(run.errors.split(separator: "\n").count == 1 && run.errors.contains(words), "\(run)")
  }

  // MARK: --pid

  @Test func pidFileNamesTheServerWhileItServes() throws {
    let site = try Site(["app.psgi": hello])
    let file = site.notes + "/nacre.pid"
    try site.serve(options("--pid", file)) { server in
      #expect(eventually { contents(of: file) == "\(server.process.pid)\n" }, "\(server)")
    }
    #expect(!exists(file))
    #expect(try FileManager.default.contentsOfDirectory(atPath: site.notes).allSatisfy { !$0.hasPrefix("nacre.pid") })
  }

  @Test func pidFileIsWrittenOnlyWhenTheApplicationIsReady() throws {
    let site = try Site(["app.psgi": ""])
    let file = site.notes + "/nacre.pid"
    try site.write("app.psgi", "select undef, undef, undef, 0.01 until -e '\(site.notes)/go';\n" + hello)
    try site.serve(options("--pid", file)) { server in
      #expect(!exists(file))
      try site.write(site.notes + "/go", "")
      #expect(eventually { exists(file) }, "\(server)")
      #expect(try server.text() == "hello")
    }
  }

  @Test func pidFileOfALivingNacreIsRefused() throws {
    let site = try Site(["app.psgi": hello])
    let file = site.notes + "/nacre.pid"
    try site.serve(options("--pid", file)) { server in
      #expect(eventually { exists(file) })
      expectSentence(
        try nacre("--pid", file, in: site), "another nacre runs, as process \(server.process.pid) (\(file) says so)")
      #expect(contents(of: file) == "\(server.process.pid)\n")
    }
  }

  @Test(arguments: ["stale", "nonsense", "another program"]) func pidFileOfNobodyIsReplaced(_ kind: String) throws {
    let site = try Site(["app.psgi": hello])
    let file = site.notes + "/nacre.pid"
    let ended = try ChildProcess(
      ["/bin/true"], directory: "/", environment: [:], output: "/dev/null", errors: "/dev/null")
    _ = ended.waitForEnd()
    let sleeping = try ChildProcess(
      ["/bin/sleep", "600"], directory: "/", environment: [:], output: "/dev/null", errors: "/dev/null")
    defer { sleeping.killSession() }
    let number = ["stale": "\(ended.pid)", "another program": "\(sleeping.pid)"][kind] ?? "nonsense"
    try site.write(file, number + "\n")
    try site.serve(options("--pid", file)) { server in
      #expect(eventually { contents(of: file) == "\(server.process.pid)\n" }, "\(server)")
    }
    #expect(!exists(file))
  }

  @Test func pidFileThatCannotBeWrittenIsAnErrorBeforeAnythingStarts() throws {
    let site = try Site(["app.psgi": "open my $f, '>', '../loaded'; sub {}"])
    for file in ["/nowhere/nacre.pid", "/proc/nacre.pid"] {
      expectSentence(try nacre("--pid", file, in: site), "the pid file \(file) cannot be written")
    }
    expectSentence(try nacre("--pid", site.path, in: site), "is a directory")
    #expect(!exists(site.notes + "/loaded"))
  }

  @Test func pidFileThatNamesAnotherIsLeftAtTheEnd() throws {
    let site = try Site(["app.psgi": hello])
    let file = site.notes + "/nacre.pid"
    try site.serve(options("--pid", file)) { server in
      #expect(eventually { exists(file) })
      try site.write(file, "1\n")
    }
    #expect(contents(of: file) == "1\n")
  }

  // MARK: NOTIFY_SOCKET

  @Test func serviceManagerIsToldOfReadinessReloadsAndTheEnd() throws {
    let site = try Site(["app.psgi": Site.app("$ENV{NOTIFY_SOCKET} // 'no socket'")])
    let manager = try Manager(site.notes + "/notify")
    var options = ServerOptions.production
    options.variables = ["NOTIFY_SOCKET": manager.path]
    try site.serve(options) { server in
      #expect(manager.hears("READY=1\n", "STATUS=generation 1 serves\n"), "\(server)")
      #expect(try server.text() == "no socket", "it is not the application's")
      server.process.send(SIGHUP)
      #expect(
        manager.hears("RELOADING=1\n", "MONOTONIC_USEC=", "READY=1\n", "STATUS=generation 2 serves\n"), "\(server)")
      try site.write("app.psgi", "die 'broken';")
      #expect(server.logs("broken"), "\(server)")
      server.process.send(SIGHUP)
      #expect(
        manager.hears("RELOADING=1\n", "READY=1\n", "STATUS=generation 2 serves; newer code does not load\n"),
        "\(server)")
      server.process.send(SIGTERM)
      #expect(manager.hears("STOPPING=1\n"), "\(server)")
    }
  }

  @Test func watchdogHearsTheServerForAsLongAsItLives() throws {
    let site = try Site(["app.psgi": Site.app("join ' ', grep { /WATCHDOG/ } keys %ENV")])
    let manager = try Manager(site.notes + "/notify")
    var options = ServerOptions.production
    options.variables = ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"]
    try site.serve(options) { server throws in
      #expect(manager.hears("READY=1\n"), "\(server)")
      for _ in 0..<5 { #expect(manager.hears("WATCHDOG=1\n"), "\(server)") }
      #expect(try server.text() == "", "it is not the application's")
    }
  }

  @Test func managerThatIsNotThereChangesNothing() throws {
    let site = try Site(["app.psgi": hello])
    var options = ServerOptions.production
    options.variables = ["NOTIFY_SOCKET": "/nowhere/notify"]
    try site.serve(options) { server throws in #expect(try server.text() == "hello", "\(server)") }
  }

  // MARK: --user, --group, --error-log

  @Test(.enabled(if: getuid() == 0, "only root can become somebody else"))
  func serverBecomesTheUserOnceItListens() throws {
    let site = try Site(["app.psgi": Site.app("join ' ', $<, $>, split(/ /, $( ), split(/ /, $))")])
    chmod(site.notes, 0o755)
    var options = options("--user", "nobody", "--error-log", site.notes + "/errors")
    options.listen = ["127.0.0.1:PORT", site.notes + "/app.sock"]
    try site.serve(options) { server in
      let entry = try #require(getpwnam("nobody")).pointee
      let (user, group) = (entry.pw_uid, entry.pw_gid)
      let numbers = try Set(server.text().split(separator: " ").map(String.init))
      #expect(numbers == ["\(user)", "\(group)"], "\(server)")
      var status = stat()
      #expect(lstat(site.notes + "/app.sock", &status) == 0 && status.st_uid == user && status.st_gid == group)
      for pid in server.perlProcesses + [server.process.pid] {
        let text = contents(of: "/proc/\(pid)/status")
        #expect(text.contains("Uid:\t\(user)\t\(user)\t\(user)\t\(user)"), "\(text)")
      }
      try site.edit("app.psgi", "join ' '", "join ','")
      #expect(try eventually { try server.text().contains(",") } as Bool, "it still sees changes\n\(server)")
    }
  }

  @Test(.enabled(if: getuid() == 0, "only root can become somebody else"))
  func accountsThatDoNotExistAreNamed() throws {
    let site = try Site(["app.psgi": hello])
    expectSentence(try nacre("--user", "no-such-user", in: site), "there is no user no-such-user")
    expectSentence(try nacre("--group", "no-such-group", in: site), "there is no group no-such-group")
  }

  @Test func standardErrorGoesToTheErrorLog() throws {
    let site = try Site(["app.psgi": Site.app("do { warn \"noted\\n\"; 'hello' }")])
    let file = site.notes + "/errors"
    try site.write(file, "before\n")
    try site.serve(options("--error-log", file)) { server throws in
      #expect(try server.text() == "hello")
      #expect(eventually { contents(of: file).contains("noted") })
      #expect(contents(of: file).hasPrefix("before\n") && contents(of: file).contains("serves app.psgi"))
      #expect(server.log == "")
    }
    expectSentence(try nacre("--error-log", "/nowhere/log", in: site), "the error log /nowhere/log cannot be opened")
  }
}
