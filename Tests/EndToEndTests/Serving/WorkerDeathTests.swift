import Foundation
import Glibc
import Testing

/// Workers that die: who notices, and who does not.
@Suite(.lane) struct WorkerDeathTests {
  private func site() throws -> Site {
    try Site([
      "app.psgi": """
      use POSIX ();
      sub {
        my $env = shift;
        my ($path, $signal) = @$env{qw(PATH_INFO HTTP_X_SIGNAL)};
        if ($signal) { open my $note, '>', "$signal.begun.$$"; select undef, undef, undef, 0.01 until -e $signal }
        kill KILL => $$ if $path eq '/kill';
        kill SEGV => $$ if $path eq '/segv';
        exit 3 if $path eq '/exit';
        POSIX::_exit(4) if $path eq '/_exit';
        return sub {
          my $writer = $_[0]->([200, ['Content-Type' => 'text/plain']]);
          $writer->write('begun'); kill KILL => $$;
        } if $path eq '/stream';
        [200, ['Content-Type' => 'text/plain'], [$$]];
      };
      """
    ])
  }

  @Test(arguments: ["/kill", "/segv", "/exit", "/_exit"]) func requestInADyingWorkerIs502AndTheNextIsFine(
    _ path: String
  ) throws {
    try site().serve { server throws in
      for _ in 0..<3 {
        #expect(try server.ask("GET", path).status == 502, "\(server)")
        #expect(try server.ask().status == 200, "\(server)")
      }
    }
  }

  @Test(.slow) func deadWorkersAreReplaced() throws {
    try site().serve { server in
      var pids: Set<String> = []
      for _ in 0..<6 {
        let pid = try server.text()
        #expect(pids.insert(pid).inserted || pids.count >= 2)
        kill(try #require(pid_t(pid)), SIGKILL)
        pids.insert(pid)
      }
      #expect(eventually { pids.insert((try? server.text()) ?? "").inserted || pids.count > 6 }, "\(server)")
      #expect(server.logs("SIGKILL") || server.logs("signal 9"), "\(server)")
    }
  }

  @Test func workerKilledWhileIdleIsNoticedByNobody() throws {
    try site().serve(ServerOptions(workers: 1)) { server in
      let kept = try server.connect()
      for _ in 0..<10 {
        let pid = try #require(pid_t(try kept.exchange().text))
        // Until it sleeps, the worker may not have given the connection back.
        #expect(eventually { ProcessEntry(pid: pid)?.state == "S" })
        kill(pid, SIGKILL)
        let answer = try server.ask()
        #expect(answer.status == 200, "\(server)")
        #expect(answer.text != "\(pid)")
      }
    }
  }

  @Test func othersAreUnaffectedByADeathInARequest() throws {
    let site = try site()
    try site.serve { server in
      let signal = site.notes + "/go"
      let steady = try server.connect()
      try steady.request("GET", "/", headers: ["X-Signal: \(signal)"])
      #expect(eventually { !begun(site).isEmpty }, "\(server)")
      for _ in 0..<3 { #expect(try server.ask("GET", "/kill").status == 502, "\(server)") }
      try site.write(signal, "")
      #expect(try steady.response().text == begun(site).first, "the request went on in its worker\n\(server)")
    }
  }

  @Test func requestsThatNoWorkerHasBegunAreLentToAnother() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server in
      let signal = site.notes + "/go"
      let first = try server.connect()
      try first.request("GET", "/", headers: ["X-Signal: \(signal)"])
      #expect(eventually { begun(site).count == 1 }, "\(server)")
      let waiting = try (0..<10).map { _ in try server.connect() }
      for connection in waiting { try connection.request() }
      kill(try #require(begun(site).first.flatMap { pid_t($0) }), SIGKILL)
      #expect(try first.response().status == 502, "\(server)")
      for connection in waiting { #expect(try connection.response().status == 200, "\(server)") }
    }
  }

  @Test func answerThatHadBegunIsCutOff() throws {
    try site().serve { server in
      let connection = try server.connect()
      try connection.request("GET", "/stream")
      #expect(try connection.responseHead().status == 200)
      #expect(throws: Stuck.self) { while try connection.chunk() != nil {} }
      #expect(try server.ask().status == 200)
    }
  }

  @Test(.slow) func killsUnderLoadCostOnlyTheRequestsThatHadBegun() throws {
    try site().serve(ServerOptions(workers: 2)) { server in
      var kills = 0
      var failures = 0
      var kept = try (0..<8).map { _ in try server.connect() }
      for round in 0..<60 {
        for connection in kept { try? connection.request() }
        var victim: pid_t?
        for (number, connection) in kept.enumerated() {
          if let answer = try? connection.response(), answer.status == 200 {
            victim = pid_t(answer.text)
          } else {
            // A worker that dies may take one connection with it: the one that it has in hand.
            failures += 1
            kept[number] = try server.connect()
          }
        }
        if round % 2 == 0, let victim, kill(victim, SIGKILL) == 0 { kills += 1 }
      }
      #expect(failures <= kills, "\(failures) failures after \(kills) kills\n\(server)")
    }
  }

  /// The ids of the workers that have begun a request with a signal to wait for.
  private func begun(_ site: Site) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: site.notes)) ?? []
    return names.filter { $0.hasPrefix("go.begun.") }.map { String($0.dropFirst("go.begun.".count)) }
  }
}
