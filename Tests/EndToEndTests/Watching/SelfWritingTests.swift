import Foundation
import Glibc
import Testing

/// Applications that write files which would have them reloaded.
@Suite(.lane) struct SelfWritingTests {
  /// How many reloads the log tells of.
  private func reloads(_ server: Server) -> Int { server.log.components(separatedBy: "nacre: generation ").count - 1 }

  /// Asks until a reload has not followed a request for ten requests in a row; the number of reloads then.
  private func expectRest(_ server: Server, path: (Int) -> String = { _ in "/" }) throws {
    var (calm, asked) = (0, 0)
    while calm < 10, asked < 80 {
      let before = reloads(server)
      _ = try server.text(path(asked))
      asked += 1
      // A reload that comes would be under way by then.
      usleep(60_000)
      _ = try server.text("/none")
      calm = reloads(server) == before ? calm + 1 : 0
    }
    #expect(calm == 10, "it goes on reloading\n\(server)")
  }

  private static let environments = ["development", "production"]

  private func app(_ writing: String) -> String {
    Site.app(
      "do { write_it($env) if $env->{PATH_INFO} ne '/none'; slurp('templates/page.tt') }",
      using: """
        use Time::HiRes;
        sub slurp { open my $in, '<', $_[0] or return "no $_[0]"; local $/; my $all = <$in>; $all }
        sub write_it { my $env = shift; \(writing) }
        """)
  }

  @Test(arguments: environments) func aCacheIsStoppedAfterSomeRounds(environment: String) throws {
    let site = try Site([
      "app.psgi": app("open my $out, '>', 'cache.yml' or die; print $out Time::HiRes::time(), $$; close $out;"),
      "templates/page.tt": "old",
    ])
    try site.serve(ServerOptions(environment: environment)) { server in
      try expectRest(server)
      #expect(server.log.contains("the application itself wrote \(site.absolute("cache.yml"))"), "\(server)")
      #expect(reloads(server) == 3, "\(server)")
      // A template that a person edits still counts.
      try site.write("templates/page.tt", "new")
      let came = try eventually { try server.text("/none") == "new" }
      #expect(came, "\(server)")
      #expect(server.logs("templates/page.tt"), "\(server)")
    }
  }

  @Test func aSessionStoreWithAlwaysNewFilesIsStopped() throws {
    let site = try Site([
      "app.psgi": app(
        """
        my $name = 'templates/session-' . substr($env->{PATH_INFO}, 1) . '.html';
        open my $out, '>', "$name.tmp" or die; print $out $name; close $out; rename "$name.tmp", $name or die;
        """), "templates/page.tt": "old",
    ])
    try site.serve { server in
      try expectRest(server) { "/\($0)" }
      #expect(server.log.contains("starts no reload any more"), "\(server)")
      // Of one more file, a worker's word may come behind the event where the machine is full.
      #expect(3...4 ~= reloads(server), "\(server)")
      try site.replace("templates/page.tt", "new")
      #expect(try server.text("/none") == "new", "\(server)")
    }
  }

  @Test func aWriterWhomNobodySeesIsStopped() throws {
    let site = try Site([
      "app.psgi": app("system('/bin/sh', '-c', \"echo $$ \" . Time::HiRes::time() . ' > cache.yml')"),
      "templates/page.tt": "page",
    ])
    try site.serve { server in
      for _ in 0..<40 { _ = try server.text() }
      #expect(server.logs("cache.yml was written again after each of the last 5 reloads"), "\(server)")
      try expectRest(server)
    }
  }

  @Test(arguments: environments) func whatEachWorkerWritesAtItsStartDoesNotReloadForEver(environment: String) throws {
    let site = try Site([
      "app.psgi": Site.app(
        "$loaded",
        using: """
          use Nacre; use Time::HiRes;
          my $loaded = do { open my $in, '<', 'state.txt' or die; local $/; <$in> };
          Nacre->on_worker_start(sub {
            for my $file ('state.txt', 'pids.conf') {
              open my $out, '>', $file or die; print $out Time::HiRes::time(), " $$"; close $out;
            }
          });
          """), "state.txt": "first",
    ])
    try site.serve(ServerOptions(environment: environment)) { server in
      // However many rounds it took: then it rests.
      var (count, calm) = (reloads(server), 0)
      _ = eventually(within: 60) {
        usleep(100_000)
        calm = reloads(server) == count ? calm + 1 : 0
        count = reloads(server)
        return calm == 15
      }
      #expect(calm == 15 && count < 12, "\(server)")
      let status = try server.ask().status
      #expect(status == 200, "\(server)")
      let isSaid = ["state.txt changes whenever", "state.txt was written"].contains { server.log.contains($0) }
      #expect(isSaid, "\(server)")
    }
  }

  @Test func aLogThatStaysOpenIsStoppedUnderPolling() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "do { print $log \"$env->{PATH_INFO}\\n\" if $env->{PATH_INFO} ne '/none'; 'ok' }",
        using: "open my $log, '>>', 'log.conf' or die; $log->autoflush(1);")
    ])
    var options = ServerOptions.development
    options.arguments = ["--poll", "0.2"]
    try site.serve(options) { server in
      try expectRest(server)
      #expect(server.log.contains("log.conf"), "\(server)")
    }
  }

  @Test(.slow) func aPersonMaySaveTheSameTemplateAsOftenAsSheLikes() throws {
    let site = try Site(["app.psgi": app(""), "templates/page.tt": "0"])
    try site.serve { server in
      for round in 1...12 {
        try site.write("templates/page.tt", "\(round)")
        #expect(try server.text() == "\(round)", "\(server)")
        // A quick person.
        usleep(600_000)
      }
      #expect(!server.log.contains("any more"), "\(server)")
    }
  }
}
