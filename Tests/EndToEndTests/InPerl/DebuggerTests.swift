import Foundation
import Glibc
import Testing

/// `nacre -d`: perl's debugger.
@Suite(.lane) struct DebuggerTests {
  private func site() throws -> Site {
    try Site([
      "app.psgi": "use Greet; sub { [200, [], [Greet::hello($_[0]{PATH_INFO})]] };",
      "lib/Greet.pm": """
      package Greet;
      sub hello {
          my ($whom) = @_;
          my $text = "Hello, $whom";
          return $text;
      }
      1;
      """,
    ])
  }

  /// Somebody at the other end of `RemotePort`, who gives a command at each prompt. The session is written down.
  private func listener(_ site: Site, _ commands: [String]) throws -> ChildProcess {
    let script = #"""
      use IO::Socket::INET;
      my ($notes, @commands) = @ARGV;
      my $door = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die;
      open my $out, '>', "$notes/session" or die; $out->autoflush(1);
      open my $port, '>', "$notes/port.new"; print $port $door->sockport; close $port; rename "$notes/port.new", "$notes/port";
      my $client = $door->accept;
      my $since = '';
      while (sysread $client, my $bytes, 4096) {
        print $out $bytes; $since .= $bytes;
        next if $since !~ /DB<+\d+>+ $/;
        my $command = shift @commands // 'c';
        print $out "$command\n"; $since = '';
        syswrite $client, "$command\n";
      }
      print $out "(closed)";
      """#
    let child = try ChildProcess(
      [Products.perl, "-e", script, site.notes] + commands, directory: "/", environment: testEnvironment,
      output: site.notes + "/listener", errors: site.notes + "/listener")
    #expect(eventually { FileManager.default.fileExists(atPath: site.notes + "/port") })
    return child
  }

  private func options(_ site: Site) -> ServerOptions {
    ServerOptions(
      workers: 1, arguments: ["-d"],
      variables: ["PERLDB_OPTS": "RemotePort=127.0.0.1:\(contents(of: site.notes + "/port"))"])
  }

  private func session(_ site: Site) -> String { contents(of: site.notes + "/session") }

  @Test func aBreakpointOfTheFirstPromptHoldsForEveryGenerationAndShowsItsSource() throws {
    let site = try site()
    let commands = ["b postpone Greet::hello", "c", "n", "p \"<$whom>\"", "c", "l 6-7", "n", "p \"<$whom>\"", "c"]
    let listener = try listener(site, commands)
    defer { listener.killSession() }
    try site.serve(options(site)) { server throws in
      #expect(try server.text("/one") == "Hello, /one", "\(server)")
      #expect(session(site).contains("Greet::hello(lib/Greet.pm:3):"), "\(session(site))")
      #expect(session(site).contains("</one>"), "\(session(site))")
      // The lines have moved.
      try site.edit("lib/Greet.pm", "package Greet;", "package Greet;\n\n\n")
      try site.edit("lib/Greet.pm", "Hello", "Goodbye")
      #expect(try server.text("/two") == "Goodbye, /two", "\(server)")
      #expect(session(site).contains("Greet::hello(lib/Greet.pm:6):"), "\(session(site))")
      #expect(session(site).contains("6==>b\t    my ($whom) = @_;"), "\(session(site))")
      #expect(session(site).contains("7:\t    my $text = \"Goodbye, $whom\";"), "\(session(site))")
      #expect(session(site).contains("</two>"), "\(session(site))")
    }
    #expect(eventually { session(site).hasSuffix("(closed)") })
    #expect(!session(site).contains("program terminated"), "nobody is asked at a worker's end\n\(session(site))")
  }

  @Test func aStopWrittenIntoTheCodeStopsTheNextRequest() throws {
    let site = try site()
    let listener = try listener(site, ["c", "p \"<$whom>\"", "c"])
    defer { listener.killSession() }
    try site.serve(options(site)) { server throws in
      #expect(try server.text("/one") == "Hello, /one", "\(server)")
      try site.edit("lib/Greet.pm", "    my $text", "    $DB::single = 1;\n    my $text")
      #expect(try server.text("/two") == "Hello, /two", "\(server)")
      #expect(session(site).contains("Greet::hello(lib/Greet.pm:5):"), "\(session(site))")
      #expect(session(site).contains("</two>"), "\(session(site))")
    }
  }

  @Test func anInterruptStopsTheNextRequest() throws {
    let site = try site()
    let listener = try listener(site, ["c", "p \"<$_[0]{PATH_INFO}>\"", "c"])
    defer { listener.killSession() }
    try site.serve(options(site)) { server throws in
      #expect(try server.text("/one") == "Hello, /one", "\(server)")
      let worker = try #require(server.workers(of: 1).first)
      #expect(eventually { ProcessEntry(pid: worker)?.state == "S" })
      kill(worker, SIGINT)
      #expect(try server.text("/two") == "Hello, /two", "\(server)")
      #expect(session(site).contains("</two>"), "\(session(site))")
    }
  }

  @Test func saysWhatIsMissingWithoutATerminal() throws {
    let site = try site()
    let run = try Command.run(
      [Products.nacre, "-d", "-p", "0", "--perl", Products.perl, "app.psgi"], directory: site.path)
    #expect(run.end == .code(1), "\(run)")
    #expect(run.errors.contains("-d needs a terminal, or a listener"), "\(run)")
  }

  @Test(.enabled(if: Products.find("script") != nil, "there is no script(1)")) func promptsOnTheTerminal() throws {
    let site = try site()
    let (input, screen) = (site.notes + "/keyboard", site.notes + "/screen")
    #expect(mkfifo(input, 0o600) == 0)
    let keyboard = open(input, O_RDWR | O_CLOEXEC)
    defer { close(keyboard) }
    func type(_ text: String) { _ = Glibc.write(keyboard, text, text.utf8.count) }
    func shows(_ text: String, times: Int = 1) -> Bool {
      eventually { contents(of: screen).components(separatedBy: text).count > times }
    }
    func promptsAfter(_ output: String) -> Bool {
      contents(of: screen).components(separatedBy: output).last?.contains("DB<") == true
    }
    let command = ["/bin/sh", "-c", #"exec script -qefc "$*" \#(screen) < \#(input)"#, "sh", Products.nacre]
    let options = ServerOptions(
      workers: 1, arguments: ["-d"], variables: ["TERM": "dumb", "PERLDB_OPTS": "ReadLine=0"], command: command)
    try site.serve(options) { server throws in
      #expect(shows("DB<1>"), "\(contents(of: screen))")
      type("b postpone Greet::hello\n")
      #expect(shows("DB<2>"), "\(contents(of: screen))")
      type("c\n")
      #expect(shows("serves app.psgi"), "\(contents(of: screen))")
      let connection = try server.connect()
      try connection.request("GET", "/one")
      #expect(shows("Greet::hello(lib/Greet.pm:3):"), "\(contents(of: screen))")
      type("p 6*7 . 'x'\n")
      #expect(shows("42x"), "\(contents(of: screen))")
      // Between two prompts nacre is in front.
      #expect(eventually { promptsAfter("42x") }, "\(contents(of: screen))")
      // Ctrl-C belongs to whoever is in front: at the prompt, the worker.
      type("\u{3}")
      type("c\n")
      #expect(try connection.response().text == "Hello, /one", "\(contents(of: screen))")
      // And nacre when nobody prompts.
      type("\u{3}")
      #expect(server.process.waitForEnd() == .code(0), "\(contents(of: screen))")
    }
  }
}
