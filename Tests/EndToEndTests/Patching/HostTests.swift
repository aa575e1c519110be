import Foundation
import Testing

/// Programs of other people's making that take new code.
@Suite(.lane) struct HostTests {
  @Test func aDaemonTakesNewCodeBeforeEachJob() throws {
    let site = try Site([
      "Work.pm": "package Work; sub run { 'one' } 1;",
      "daemon.pl": #"""
      use Nacre::Watch; use Work;
      my @include = @INC;
      my $watch = Nacre::Watch->new(modules => ['Work']);
      for my $word ('one', 'two', 'three') {
        if ($word ne 'one') { open my $to, '>', 'Work.pm' or die; print $to "package Work; sub run { '$word' } 1;"; close $to }
        $watch->check;
        print Work::run(), ' ';
      }
      print $watch->file('Work') eq "$ENV{SITE}/Work.pm" ? 'found' : $watch->file('Work'), "@include" eq "@INC" ? ' same' : ' changed';
      eval { Nacre::Watch->new(modules => ['No::Such']); 1 } or print ' ', $@ =~ /^(.*) at/;
      """#,
    ])
    let run = try Command.run(
      [Products.perl, "-I", Products.sourceTree + "/perl/lib", "-I", ".", "daemon.pl"], directory: site.path,
      environment: ["NACRE_LIBRARY": Products.directory + "/libNacre.so", "SITE": site.path])
    #expect(run.output == "one two three found same Nacre::Watch finds no file for No::Such", "\(run)")
  }

  @Test func theExampleRuns() throws {
    let examples = Products.sourceTree + "/Examples"
    let run = try Patched.run([examples + "/daemon.pl", "2"], include: [examples + "/daemon"])
    #expect(run.output == "Hello number 1\nHello number 2\n", "\(run)")
  }

  @Test(.enabled(if: Products.find("starman") != nil, "Starman is not installed"))
  func everyWorkerOfStarmanAnswersWithNewCode() throws {
    let site = try Site([
      "lib/App.pm": "package App; sub text { \"one $$\" } 1;",
      "lib/Class.pm": "package Class; use Moo; sub text { 'moo1' } 1;",
      "app.psgi": """
      use Nacre; use Plack::Builder; use App; use Class;
      builder { enable 'Nacre', escalate => 'harakiri'; sub { [200, [], [App::text(), ' ', Class->text]] } };
      """,
    ])
    let port = Port.free()
    let child = try ChildProcess(
      [
        Products.find("starman")!, "-I", Products.sourceTree + "/perl/lib", "-I", site.path + "/lib", "--workers", "2",
        "--listen", "127.0.0.1:\(port)", site.path + "/app.psgi",
      ], directory: site.path,
      environment: testEnvironment.merging(["NACRE_LIBRARY": Products.directory + "/libNacre.so"]) { $1 },
      output: site.notes + "/output", errors: site.notes + "/errors")
    defer { child.killSession() }
    func answers(_ count: Int) throws -> Set<String> {
      Set(
        try (0..<count).map { _ in
          try firstValue {
            let run = try Command.run([Products.find("curl") ?? "/usr/bin/curl", "-s", "http://127.0.0.1:\(port)/"])
            return run.output.isEmpty ? nil : run.output
          }
        })
    }
    func words(_ count: Int) throws -> Set<String> {
      Set(
        try answers(count).map {
          $0.split(separator: " ").enumerated().filter { $0.offset != 1 }.map(\.element).joined(separator: " ")
        })
    }
    #expect(try words(10) == ["one moo1"])
    try site.write("lib/App.pm", "package App; sub text { \"two $$\" } 1;")
    #expect(try words(20) == ["two moo1"], "\(contents(of: site.notes + "/errors"))")
    // Refused: each worker leaves after its answer, and a new one loads the new code.
    try site.write("lib/Class.pm", "package Class; use Moo; sub text { 'moo2' } 1;")
    #expect(try eventually { try words(10) == ["two moo2"] }, "\(contents(of: site.notes + "/errors"))")
  }
}
