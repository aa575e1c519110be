import Foundation
import Glibc
import Testing

/// How long requests and workers may live: `--timeout`, `--max-requests`, `--drain`.
@Suite(.lane) struct WorkerLifeTests {
  private func options(_ arguments: String..., workers: Int = 2, environment: String = "production") -> ServerOptions {
    var options = ServerOptions(environment: environment)
    options.arguments = arguments
    options.workers = workers
    return options
  }

  // MARK: --timeout

  /// Hangs at `/hang` (in a loop), `/sleep` (in the system) and `/begun` (having written something).
  private static let hanging = """
    sub {
      my $path = $_[0]{PATH_INFO};
      if ($path eq '/begun') {
        return sub {
          my $writer = $_[0]->([200, ['Content-Type' => 'text/plain']]);
          $writer->write('begun');
          1 while 1;
        };
      }
    # line 100 "hang.pm"
      1 while $path eq '/hang';
      sleep 600 if $path eq '/sleep';
      [200, ['Content-Type' => 'text/plain'], ["$$"]];
    };
    """

  @Test(arguments: ["/hang?secret=1", "/sleep"]) func requestThatTakesTooLongIsEndedAndNamed(_ path: String) throws {
    let site = try Site(["app.psgi": Self.hanging])
    try site.serve(options("--timeout", "1")) { server in
      let answer = try server.ask("GET", path)
      #expect(answer.status == 504 && answer.text.contains("longer than 1 s"), "\(answer.text)\n\(server)")
      let name = path.prefix { $0 != "?" }
      #expect(
        server.logs("was ended: GET \(name) took longer than 1 s (--timeout); it was at hang.pm line 10"), "\(server)")
      #expect(!server.log.contains("secret") && !server.log.contains("SIGKILL"), "\(server)")
      for _ in 0..<10 { #expect(try server.ask().status == 200, "\(server)") }
    }
  }

  @Test func responseThatHasBegunIsCutOff() throws {
    let site = try Site(["app.psgi": Self.hanging])
    try site.serve(options("--timeout", "1")) { server in
      let connection = try server.connect()
      try connection.request("GET", "/begun")
      #expect(try connection.responseHead().status == 200)
      #expect(try connection.chunk() == Array("begun".utf8))
      #expect(throws: (any Error).self) { try connection.chunk() }
      #expect(server.logs("GET /begun took longer than 1 s"), "\(server)")
    }
  }

  @Test(.slow) func requestsInTimeAndIdleWorkersAreLeftAlone() throws {
    let site = try Site([
      "app.psgi": "sub { select undef, undef, undef, 0.4; [200, ['Content-Type' => 'text/plain'], [$$]] }"
    ])
    try site.serve(options("--timeout", "1", workers: 1)) { server in
      // Longer than the bound together, on one connection.
      let connection = try server.connect()
      let pids = try Set((0..<5).map { _ in try connection.exchange().text })
      #expect(pids.count == 1, "\(server)")
      usleep(1_800_000)
      #expect(try server.text() == pids.first, "\(server)")
    }
  }

  @Test(.slow) func withoutATimeoutARequestMayTakeAsLongAsItLikes() throws {
    let site = try Site(["app.psgi": "sub { sleep 3; [200, ['Content-Type' => 'text/plain'], ['done']] }"])
    try site.serve(options()) { server throws in #expect(try server.text() == "done", "\(server)") }
  }

  // MARK: --max-requests

  @Test func workersAreReplacedAfterTheirRequestsAndNoneIsLost() throws {
    let site = try Site([
      "app.psgi": """
      my $own;
      END { if ($own) { open my $note, '>>', '../ended'; print $note "$$\\n" } }
      sub { $own = 1; [200, ['Content-Type' => 'text/plain'], [$$]] };
      """
    ])
    try site.serve(options("--max-requests", "10", workers: 2)) { server in
      var served: [String: Int] = [:]
      for _ in 0..<20 {
        let connection = try server.connect()
        for _ in 0..<10 { served[try connection.exchange().text, default: 0] += 1 }
      }
      #expect(served.values.reduce(0, +) == 200)
      #expect(served.count >= 200 / 11, "\(served)")
      #expect(served.values.allSatisfy { $0 <= 11 }, "\(served)")
      // Those that have left have run their END blocks, each once.
      let ended = try firstValue { () -> [Substring]? in
        let lines = site.read("../ended").split(separator: "\n")
        return lines.count >= served.count - 3 ? lines : nil
      }
      #expect(Set(ended).count == ended.count)
      #expect(!server.log.contains("next one is forked in"), "\(server)")
    }
  }

  @Test func oneWorkerIsReplacedWithoutALostRequestToo() throws {
    let site = try Site(["app.psgi": Site.app("$$")])
    try site.serve(options("--max-requests", "1", workers: 1)) { server in
      let connection = try server.connect()
      let pids = try (0..<30).map { _ in try connection.exchange().text }
      #expect(Set(pids).count == 30, "each has served one\n\(server)")
    }
  }

  @Test func requestsThatWaitAtTheEndOfTheServerAreServedAfterAWorkersLastToo() throws {
    let site = try Site([
      "app.psgi": """
      sub {
        open my $n, '>', '../begun'; select undef, undef, undef, 0.01 until -e '../go';
        [200, ['Content-Type' => 'text/plain'], [$$]]
      }
      """
    ])
    try site.serve(options("--max-requests", "1", workers: 1)) { server in
      let connections = try (0..<4).map { _ in try server.connect() }
      for connection in connections { try connection.request() }
      #expect(eventually { FileManager.default.fileExists(atPath: site.notes + "/begun") })
      server.process.send(SIGTERM)
      // The listening socket is closed: the end has begun.
      #expect(eventually { (try? server.connect()) == nil })
      try site.write(site.notes + "/go", "")
      #expect(try Set(connections.map { try $0.response().text }).count == 4, "\(server)")
      #expect(server.process.waitForEnd(within: 10) == .code(0), "\(server)")
    }
  }

  @Test func workersThatAskForTheirEndDoNotDelayTheNext() throws {
    let site = try Site(["app.psgi": Site.app("do { $env->{'psgix.harakiri.commit'} = 1; $$ }")])
    try site.serve(options(workers: 1)) { server in
      let start = ContinuousClock.now
      let pids = try (0..<20).map { _ in try server.text() }
      #expect(Set(pids).count == 20, "\(server)")
      // A worker that falls as soon as it starts makes the next wait for seconds.
      #expect(ContinuousClock.now - start < .seconds(15), "\(server)")
      #expect(!server.log.contains("the next one is forked in"), "\(server)")
    }
  }

  // MARK: --drain

  @Test(arguments: [SIGTERM, SIGQUIT]) func requestThatOutlivesTheDrainIsCutOffAndCounted(_ signal: Int32) throws {
    let site = try Site(["app.psgi": "sub { open my $n, '>', '../begun'; sleep 600 }"])
    try site.serve(options("--drain", "1")) { server in
      let connection = try server.connect()
      try connection.request()
      #expect(eventually { FileManager.default.fileExists(atPath: site.notes + "/begun") })
      server.process.send(signal)
      #expect(server.process.waitForEnd(within: 10) == .code(0), "\(server)")
      #expect(server.log.contains("1 connection cut off: not done in the 1 s of --drain"), "\(server)")
      #expect(try connection.isClosed())
    }
  }

  @Test func oldWorkersMayWorkForTheDrainTimeAfterAReload() throws {
    let site = try Site(["app.psgi": "sub { open my $n, '>', '../begun'; sleep 600 }"])
    try site.serve(options("--drain", "1")) { server in
      let connection = try server.connect()
      try connection.request()
      #expect(eventually { FileManager.default.fileExists(atPath: site.notes + "/begun") })
      try site.write("app.psgi", Site.app("'new'"))
      #expect(server.logs("generation 2"), "\(server)")
      #expect(try server.text() == "new")
      #expect(try connection.response().status == 502, "\(server)")
    }
  }

  // MARK: Titles

  @Test func processesShowWhatTheyAreAndTheApplicationSeesItsName() throws {
    let site = try Site([
      "app.psgi": "my $name = $0;\nuse Part;\n" + Site.app("\"$name $Part::name\""),
      "lib/Part.pm": "package Part; our $name = $0; 1;",
    ])
    try site.serve(options()) { server in
      let app = site.absolute("app.psgi")
      #expect(try server.text() == "\(app) \(app)")
      func titles() -> Set<String> {
        Set(
          server.perlProcesses.map {
            contents(of: "/proc/\($0)/cmdline").replacingOccurrences(of: "\0", with: " ")
              .trimmingCharacters(in: .whitespaces)
          })
      }
      let first: Set<String> = [
        "nacre base", "nacre checkpoint before \(app)", "nacre mold, generation 1: \(app)",
        "nacre worker, generation 1: \(app)",
      ]
      // Whether another checkpoint stands before Part.pm depends on how long what came before took to load.
      let part = "nacre checkpoint before \(site.absolute("lib/Part.pm"))"
      #expect(eventually { titles().subtracting([part]) == first }, "\(titles())\n\(server)")
      try site.edit("lib/Part.pm", "= $0", "= \"again $0\"")
      #expect(server.logs("generation 2 by rewind"), "\(server)")
      #expect(try server.text() == "\(app) again \(app)")
      #expect(eventually { titles().contains(part) }, "\(titles())\n\(server)")
      #expect(eventually { titles().contains("nacre mold, generation 2: \(app)") }, "\(titles())\n\(server)")
    }
  }
}
