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
}
