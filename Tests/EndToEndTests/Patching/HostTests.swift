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

  @Test(
    .enabled(if: Products.find("starman") != nil, "Starman is not installed"), arguments: ["harakiri", "graceful"])
  func everyWorkerOfStarmanAnswersWithNewCode(_ escalate: String) throws {
    let site = try Site([
      "lib/App.pm": "package App; sub text { 'one' } 1;",
      "lib/Class.pm": "package Class; push @DynaLoader::dl_modules, __PACKAGE__; sub text { 'moo1' } 1;",
      "app.psgi": """
      use Nacre; use Plack::Builder; use App; use Class;
      my $app = builder { enable 'Nacre', escalate => '\(escalate)'; sub { [200, ['X-Worker' => $$], [App::text(), ' ', Class->text]] } };
      open my $loads, '>>', $ENV{LOADS} or die; syswrite $loads, "$$\\n";
      $app;
      """,
    ])
    let loads = site.notes + "/loads"
    let command = [
      Products.find("starman")!, "-I", Products.sourceTree + "/perl/lib", "-I", site.path + "/lib", "--workers", "2",
      "--listen", "127.0.0.1:PORT", site.path + "/app.psgi",
    ]
    try HostServer.run(site, command, environment: ["LOADS": loads]) { server in
      // Each worker loads for itself, and would not begin with the broken file.
      #expect(eventually { contents(of: loads).split(separator: "\n").count == 2 }, "\(server.errors)")
      #expect(try server.answers(6) == ["one moo1"])
      try site.write("lib/App.pm", "package App; sub text { 'two' } 1;")
      #expect(try server.answers(10, from: 2) == ["two moo1"], "\(server.errors)")
      try site.write("lib/App.pm", "package App; sub text { 'three' 1;")
      #expect(try server.answers(10) == ["two moo1"], "\(server.errors)")
      try site.write("lib/App.pm", "package App; sub text { 'four' } 1;")
      #expect(try server.answers(10) == ["four moo1"], "\(server.errors)")
      // Refused: each worker is replaced after an answer of the old code, and a new one loads the new code.
      try site.write("lib/Class.pm", "package Class; push @DynaLoader::dl_modules, __PACKAGE__; sub text { 'moo2' } 1;")
      #expect(try eventually { try server.answers(10) == ["four moo2"] }, "\(server.errors)")
    }
  }

  @Test func aServerWithoutAMasterLeavesItsParentAlone() throws {
    let site = try Site([
      "lib/Class.pm": "package Class; push @DynaLoader::dl_modules, __PACKAGE__; sub text { 'moo1' } 1;",
      "app.psgi": """
      use Nacre; use Plack::Builder; use Class;
      builder { enable 'Nacre', escalate => 'graceful'; sub { [200, [], [Class->text]] } };
      """,
    ])
    let command = [
      Products.perl, Products.find("plackup")!, "-I", Products.sourceTree + "/perl/lib", "-I", site.path + "/lib",
      "--listen", "127.0.0.1:PORT", site.path + "/app.psgi",
    ]
    try HostServer.run(site, command) { server in
      #expect(try server.answers(1) == ["moo1"])
      try site.write("lib/Class.pm", "package Class; push @DynaLoader::dl_modules, __PACKAGE__; sub text { 'moo2' } 1;")
      #expect(try server.answers(2) == ["moo1"])
      #expect(server.errors.contains("Class.pm is not loaded again: Class has XS code"), "\(server.errors)")
      #expect(server.errors.contains("Nacre: this server has no master"), "\(server.errors)")
    }
  }
}

/// A server of other people's making that runs code with Nacre.
final class HostServer {
  private let port: UInt16
  private let site: Site
  private let process: ChildProcess

  /// Runs a command, in which `PORT` is put in, while the test talks to it.
  static func run(
    _ site: Site, _ command: [String], environment: [String: String] = [:],
    sourceLocation: SourceLocation = #_sourceLocation, _ body: (HostServer) throws -> Void
  ) throws {
    let server = try HostServer(site, command, environment)
    defer { server.process.killSession() }
    do {
      guard eventually({ server.process.ended() != nil || (try? Connection(port: server.port)) != nil }) else {
        throw Stuck("the server does not answer")
      }
      try body(server)
    } catch {
      Issue.record("\(error)\n\(server.errors)", sourceLocation: sourceLocation)
    }
  }

  private init(_ site: Site, _ command: [String], _ environment: [String: String]) throws {
    let free = "\(Port.free())"
    (self.site, port) = (site, UInt16(free)!)
    process = try ChildProcess(
      command.map { $0.replacingOccurrences(of: "PORT", with: free) }, directory: site.path,
      environment: testEnvironment.merging(["NACRE_LIBRARY": Products.directory + "/libNacre.so"]) { $1 }
        .merging(environment.mapValues { $0 == "PORT" ? free : $0 }) { $1 }, output: site.notes + "/output",
      errors: site.notes + "/errors")
  }

  /// What it has written.
  var errors: String { contents(of: site.notes + "/output") + contents(of: site.notes + "/errors") }

  /// The different texts of so many answers, each on a connection of its own. While workers are replaced a connection may be lost.
  func answers(_ count: Int, _ path: String = "/") throws -> Set<String> {
    Set(try (0..<count).map { _ in try answer(path).text })
  }

  /// The same, until so many workers, which say `X-Worker`, have answered as well.
  func answers(_ count: Int, from workers: Int) throws -> Set<String> {
    var (texts, seen, asked): (Set<String>, Set<String>, Int) = ([], [], 0)
    return try firstValue {
      let answer = try answer("/")
      texts.insert(answer.text)
      seen.insert(answer["X-Worker"] ?? "")
      asked += 1
      return asked >= count && seen.count >= workers ? texts : nil
    }
  }

  private func answer(_ path: String) throws -> Response {
    try firstValue { try? Connection(port: port).exchange("GET", path, headers: ["Connection: close"]) }
  }
}
