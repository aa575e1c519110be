import Foundation
import Glibc
import Testing

/// What nacre says of its own accord: sentences that no other test reads.
@Suite(.lane) struct SentenceTests {
  private let hello = Site.app("'hello'")

  private func nacre(_ arguments: String..., environment: [String: String] = [:]) throws -> Command {
    let site = try Site(["app.psgi": hello])
    return try Command.run(
      [Products.nacre, "-p", "0"] + arguments, directory: site.path, environment: environment)
  }

  private func expectSentence(_ run: Command, _ words: String) {
    #expect(run.end == .code(1), "\(run)")
    #expect(run.errors.split(separator: "\n").count == 1 && run.errors.contains(words), "\(run)")
  }

  @Test(arguments: ["--version", "-v", "-V"]) func versionIsPrinted(_ option: String) throws {
    let run = try nacre(option)
    #expect(
      run.end == .code(0) && run.output.range(of: #"^nacre \d+\.\d+\.\d+\n$"#, options: .regularExpression) != nil)
  }

  @Test func nonsenseAboutSocketsIsNamed() throws {
    expectSentence(
      try nacre(environment: ["SERVER_STARTER_PORT": "80"]), "SERVER_STARTER_PORT says '80' and not NAME=DESCRIPTOR.")
  }

  /// However few descriptors there are, and wherever they run out, the end is a sentence and never a crash.
  @Test(.slow) func everyWantOfDescriptorsIsASentence() throws {
    // A server that comes so far that a worker starts has what it needs, and is stopped.
    let site = try Site(["app.psgi": "use Nacre; Nacre->on_worker_start(sub { kill TERM => getppid }); \(hello)"])
    var said = ""
    for sockets in 1...4 {
      let listen = (1...sockets).map { "-l \(site.notes)/\($0).sock" }.joined(separator: " ")
      for limit in 4...99 {
        let run = try Command.run(
          [
            "/bin/sh", "-c",
            "ulimit -n \(limit); exec timeout 60 \(Products.nacre) -E production -w 1 --control off \(listen)",
          ], directory: site.path)
        if run.end == .code(0) { break }
        try #require(run.end == .code(1) && !run.errors.isEmpty, "limit \(limit), \(sockets) sockets: \(run)")
        said += run.errors
      }
    }
    for sentence in [
      "nacre: no descriptors are left.", "cannot be started: Too many open files",
      "the server cannot start: cannot make an epoll descriptor: Too many open files",
      "the server cannot start: cannot make the scoreboard: Too many open files",
      "cannot make a channel: Too many open files", "cannot make a lending queue: Too many open files",
    ] { #expect(said.contains(sentence), "\(said)") }
  }

  @Test(.enabled(if: (try? Command.run(["unshare", "-U", "-r", "true"]))?.end == .code(0), "no user namespaces here"))
  func anotherUserThatIsRefusedIsNamed() throws {
    let site = try Site(["app.psgi": hello])
    let run = try Command.run(
      ["unshare", "-U", "-r", Products.nacre, "-p", "0", "--user", "nobody"], directory: site.path)
    expectSentence(run, "nacre: the server cannot become group ")
  }

  @Test func whoWaitsForAReloadThatARollBackEndsIsToldSo() throws {
    let site = try Site(["app.psgi": hello])
    var options = ServerOptions.production
    options.arguments = ["--reload", "manual"]
    try site.serve(options) { server throws in
      #expect(server.logs("serves app.psgi"))
      try site.edit("app.psgi", "hello", "other")
      #expect(try server.control("POST", "/v1/reload").status == 200, "\(server)")
      try site.write("app.psgi", "sleep 1 while 1;\n")
      let waiting = try Connection(path: server.controlSocket)
      try waiting.request("POST", "/v1/reload")
      #expect(try eventually { try server.document("/v1/status")["reload"] != nil }, "\(server)")
      #expect(try server.control("POST", "/v1/rollback").status == 200, "\(server)")
      let answer = try waiting.response()
      #expect(
        answer.status == 409 && answer.text.contains("something else was asked for meanwhile: see nacre status."),
        "\(answer)")
      #expect(try server.text() == "hello")
    }
  }

  @Test func perlThatIsNowhereIsNamed() throws {
    expectSentence(
      try nacre("--perl", "no-such-perl"), "no perl was found as no-such-perl; say where it is with --perl PATH.")
  }

  @Test func errorLogThatCannotBeOpenedIsNamed() throws {
    expectSentence(
      try nacre("--error-log", "/nowhere/log"), "the error log /nowhere/log cannot be opened: No such file")
  }

  @Test(.enabled(if: Products.perlHas("Plack::Middleware::AccessLog"), "Plack is missing"))
  func accessLogThatCannotBeOpenedIsNamed() throws {
    let run = try nacre("-E", "production", "--access-log", "/nowhere/log")
    #expect(run.end == .code(1) && run.errors.contains("--access-log /nowhere/log: No such file"), "\(run)")
  }

  @Test func timerThatALoadLeavesRunningIsReported() throws {
    try Site(["app.psgi": Site.app("'hello'", using: "alarm 1000;")]).serve { server throws in
      #expect(try server.text() == "hello")
      #expect(
        server.logs("a timer (alarm) was running when the application had loaded; workers do not inherit it"),
        "\(server)")
    }
  }

  @Test func baseThatDiesIsReplacedAndNamed() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word()", using: "use Part;"), "lib/Part.pm": "package Part; sub word { 'one' } 1;",
    ])
    try site.serve { server throws in
      #expect(try server.text() == "one")
      let base = try #require(
        server.perlProcesses.first { contents(of: "/proc/\($0)/cmdline").hasPrefix("nacre base") })
      kill(base, SIGKILL)
      #expect(server.logs("the base was killed by signal 9 (SIGKILL); a new one is started"), "\(server)")
      try site.edit("lib/Part.pm", "one", "two")
      #expect(try server.text() == "two", "\(server)")
    }
  }

  @Test func moldThatDiesIsNamedAndTheWorkersServeOn() throws {
    try Site(["app.psgi": hello]).serve { server throws in
      #expect(try server.text() == "hello")
      let mold = try firstValue {
        server.perlProcesses.first { contents(of: "/proc/\($0)/cmdline").hasPrefix("nacre mold") }
      }
      kill(mold, SIGKILL)
      #expect(server.logs("the mold of generation 1 was killed by signal 9 (SIGKILL)"), "\(server)")
      #expect(try server.text() == "hello", "\(server)")
    }
  }

  @Test func nothingHasRunAsLongAsTheFirstLoadFails() throws {
    try Site(["app.psgi": "die 'no database';"]).serve { server throws in
      #expect(try server.ask().status == 500)
      let why = try server.control("GET", "/v1/why?file=/x")
      #expect(why.status == 409 && why.text.contains("No code has run yet."), "\(why)")
    }
  }

  @Test func whoWaitsForAReloadIsToldOfTheEnd() throws {
    let site = try Site(["app.psgi": hello])
    var options = ServerOptions.production
    options.arguments = ["--reload", "off"]
    try site.serve(options) { server throws in
      #expect(server.logs("serves app.psgi"))
      try site.write("app.psgi", "sleep 1 while 1;\n")
      let waiting = try Connection(path: server.controlSocket)
      try waiting.request("POST", "/v1/reload")
      #expect(try eventually { try server.document("/v1/status")["reload"] != nil }, "\(server)")
      #expect(try server.control("POST", "/v1/stop").status == 202)
      let answer = try waiting.response()
      #expect(answer.status == 503 && answer.text.contains("The server is stopping."), "\(answer)")
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
    }
  }

  @Test func answerOfSomethingElseIsNoStatus() throws {
    let site = try Site([
      "other.pl": """
      use Socket; socket my $in, PF_UNIX, SOCK_STREAM, 0 or die; bind $in, sockaddr_un($ARGV[0]) or die; listen $in, 5;
      while (accept my $one, $in) {
        sysread $one, my $head, 9999; syswrite $one, "HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}";
      }
      """
    ])
    let socket = site.notes + "/other.sock"
    let other = try ChildProcess(
      [Products.perl, site.absolute("other.pl"), socket], directory: "/", environment: [:], output: "/dev/null",
      errors: "/dev/null")
    defer { other.killSession() }
    #expect(eventually { access(socket, F_OK) == 0 })
    let run = try site.nacre(["status", "--control", socket])
    #expect(run.end == .code(1), "\(run)")
    #expect(run.errors.contains("not what this nacre understands: is it of another version?"), "\(run)")
    let missing = try site.nacre(["status", "--control", "/nowhere/x.sock"])
    #expect(missing.errors == "nacre: no server is controlled at /nowhere/x.sock.\n", "\(missing)")
  }

  @Test(arguments: [
    (ServerOptions.development, "failing: requests are answered with the error."),
    (.production, "serving, but not what is on the disk."),
  ]) func statusTellsThatTheSavedCodeIsBroken(_ options: ServerOptions, _ words: String) throws {
    try Site.chained().steer(options) { server throws in
      try server.site.edit("lib/Deep.pm", "'a'", "'a")
      #expect(server.logs("generation 2 rejected"), "\(server)")
      let status = try server.nacre("status")
      #expect(status.end == .code(0) && status.output.contains(words), "\(status)")
      #expect(try server.ask().status == (options.environment == "development" ? 500 : 200))
    }
  }

  @Test func statusTellsThatNothingIsWatched() throws {
    var options = ServerOptions.development
    options.arguments = ["--reload", "manual"]
    try Site.chained().steer(options) { server throws in
      let status = try server.nacre("status")
      #expect(status.output.contains("nothing: reloads on HUP and nacre reload only"), "\(status)")
    }
  }

  @Test func productionWhoseFirstLoadFailsLeaves() throws {
    let site = try Site(["app.psgi": "die 'no database';"])
    let run = try Command.run([Products.nacre, "-E", "production", "-p", "0"], directory: site.path)
    #expect(run.end == .code(1), "\(run)")
    #expect(run.errors.contains("Correct it and start nacre again. Nothing is running."), "\(run)")
  }
}
