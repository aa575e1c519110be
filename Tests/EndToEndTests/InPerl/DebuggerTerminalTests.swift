import Foundation
import Glibc
import Testing

/// `nacre -d` on a terminal, which `script` makes.
@Suite(.lane, .enabled(if: Products.find("script") != nil, "there is no script(1)")) struct DebuggerTerminalTests {
  /// What is typed, and what the screen shows.
  private struct Terminal {
    let site: Site
    private let keyboard: Int32

    init(_ site: Site) {
      self.site = site
      let path = site.notes + "/keyboard"
      mkfifo(path, 0o600)
      keyboard = open(path, O_RDWR | O_CLOEXEC)
    }

    func close() { Glibc.close(keyboard) }

    /// The command that starts a program there, which is to follow; words with blanks in them are taken apart. The shell
    /// of `script` makes way for it (not every shell does by itself): it would be in front of the terminal, too.
    var command: [String] {
      let script = #"exec script -qefc "exec $*" \#(site.notes)/screen < \#(site.notes)/keyboard"#
      return ["/bin/sh", "-c", script, "sh"]
    }

    var screen: String { contents(of: site.notes + "/screen") }

    func type(_ text: String) { _ = Glibc.write(keyboard, text, text.utf8.count) }

    func shows(_ text: String) -> Bool { eventually { screen.contains(text) } }

    /// Whether a prompt comes after the last of such a text.
    func prompts(after text: String) -> Bool {
      shows(text) && eventually { screen.components(separatedBy: text).last?.contains("DB<") == true }
    }
  }

  /// A server whose worker stands at a breakpoint, in front of a request on the connection; and `nacre` itself.
  private func atABreakpoint(
    ends: [ProcessEnd] = [.code(0)], _ body: (Terminal, Connection, ProcessEntry) throws -> Void
  ) throws {
    let site = try Site([
      "app.psgi": "use Greet; sub { [200, [], [Greet::hello($_[0]{PATH_INFO})]] };",
      "lib/Greet.pm": "package Greet;\nsub hello {\n    my ($whom) = @_;\n    return \"Hello, $whom\";\n}\n1;\n",
    ])
    let terminal = Terminal(site)
    defer { terminal.close() }
    let options = ServerOptions(
      workers: 1, arguments: ["-d"], variables: ["TERM": "dumb", "PERLDB_OPTS": "ReadLine=0"],
      command: terminal.command + [Products.nacre])
    try site.serve(options, expecting: nil) { server throws in
      #expect(terminal.shows("DB<1>"), "\(terminal.screen)")
      terminal.type("b postpone Greet::hello\n")
      #expect(terminal.shows("DB<2>"), "\(terminal.screen)")
      terminal.type("c\n")
      #expect(terminal.shows("serves app.psgi"), "\(terminal.screen)")
      let nacre = try #require(ProcessEntry.all().first { $0.parent == server.process.pid })
      let connection = try server.connect()
      try connection.request("GET", "/one")
      #expect(terminal.prompts(after: "Greet::hello(lib/Greet.pm:3):"), "\(terminal.screen)")
      try body(terminal, connection, nacre)
      let end = try #require(server.process.waitForEnd(), "\(terminal.screen)")
      #expect(ends.contains(end), "\(end): \(terminal.screen)")
      #expect(eventually { !ProcessEntry.all().contains { $0.session == nacre.session } })
    }
  }

  /// Who is in front of the terminal, by the titles of the processes.
  private func inFront(of nacre: ProcessEntry) -> [String] {
    ProcessEntry.all().filter { $0.session == nacre.session && $0.isInFront }.map {
      $0.pid == nacre.pid ? "nacre" : contents(of: "/proc/\($0.pid)/cmdline").components(separatedBy: ",")[0]
    }
  }

  @Test func promptsOnTheTerminal() throws {
    try atABreakpoint { terminal, connection, nacre throws in
      terminal.type("p 6*7 . 'x'\n")
      #expect(terminal.prompts(after: "42x"), "\(terminal.screen)")
      terminal.type("c\n")
      #expect(try connection.response().text == "Hello, /one", "\(terminal.screen)")
      kill(nacre.pid, SIGTERM)
    }
  }

  @Test(.enabled(if: interruptsReachOnlyWhoIsInFront, "this system's terminals know no foreground"))
  func anInterruptAtThePromptIsTheWorkersAndElsewhereNacres() throws {
    // 130: a terminal that repeats the last Ctrl-C; the second INT ends nacre at once.
    try atABreakpoint(ends: [.code(0), .code(128 + SIGINT)]) { terminal, connection, nacre throws in
      #expect(inFront(of: nacre) == ["nacre worker"], "\(terminal.screen)")
      terminal.type("\u{3}")
      #expect(terminal.shows("^C"), "\(terminal.screen)")
      terminal.type("c\n")
      #expect(try connection.response().text == "Hello, /one", "\(terminal.screen)")
      #expect(eventually { inFront(of: nacre) == ["nacre"] }, "\(inFront(of: nacre))")
      // It goes on.
      try connection.request("GET", "/two")
      #expect(eventually { inFront(of: nacre) == ["nacre worker"] }, "\(terminal.screen)")
      terminal.type("c\n")
      #expect(try connection.response().text == "Hello, /two", "\(terminal.screen)")
      #expect(eventually { inFront(of: nacre) == ["nacre"] }, "\(inFront(of: nacre))")
      terminal.type("\u{3}")
    }
  }

  /// Whether Ctrl-C, typed once, is one signal to the process group in front, and none to the others.
  private static let interruptsReachOnlyWhoIsInFront: Bool = {
    guard let site = try? Site([:]) else { return false }
    let program = site.notes + "/front.pl"
    let text = #"""
      use POSIX; $| = 1;
      my ($parent, $child) = (0, 0);
      pipe my $from, my $to;
      $SIG{INT} = sub { $parent++ };
      if (!(my $pid = fork)) {
        setpgrp 0, 0;
        $SIG{TTOU} = 'IGNORE'; $SIG{INT} = sub { $child++ };
        open my $terminal, '+<', '/dev/tty'; tcsetpgrp(fileno $terminal, getpgrp);
        print "ready\n";
        my $line = <$terminal>; syswrite $to, "$child\n"; exit;
      } else { close $to; my $line = <$from>; chomp $line; print "parent $parent child $line.\n"; waitpid $pid, 0 }
      """#
    guard (try? text.write(toFile: program, atomically: true, encoding: .utf8)) != nil else { return false }
    let terminal = Terminal(site)
    defer { terminal.close() }
    guard
      let child = try? ChildProcess(
        terminal.command + [Products.perl, program], directory: "/", environment: testEnvironment,
        output: site.notes + "/output", errors: site.notes + "/output")
    else { return false }
    defer { child.killSession() }
    guard terminal.shows("ready") else { return false }
    terminal.type("\u{3}")
    guard terminal.shows("^C") else { return false }
    terminal.type("c\n")
    return terminal.shows("parent 0 child 1.")
  }()
}
