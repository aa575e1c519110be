import Foundation
import Glibc
import Testing

/// `psgix.cleanup`: what an application does when the answer is out.
@Suite(.lane) struct CleanupTests {
  /// An application with a cleanup handler that waits until the file `go` is there.
  private func site() throws -> Site {
    let site = try Site([:])
    try site.write(
      "app.psgi",
      """
      \(site.noteSub)
      sub {
        my $env = shift;
        my $path = $env->{PATH_INFO};
        my $handlers = $env->{'psgix.cleanup.handlers'};
        note("request $path");
        push @$handlers, sub {
          my ($given) = @_;
          note("handler of $given->{PATH_INFO}");
          if ($path eq '/wait') { select undef, undef, undef, 0.01 until -e '\(site.notes)/go'; note('done') }
          exit 5 if $path eq '/exit';
        } if $path ne '/plain';
        if ($path eq '/errors') {
          push @$handlers, sub { die "no cleanup\\n" }, 'no sub', sub { die { code => 7 } },
            sub { push @{ $_[0]{'psgix.cleanup.handlers'} }, sub { note('added') } }, sub { note('last') };
        }
        die "no answer\\n" if $path eq '/die';
        return [200, [], do { open my $file, '<', __FILE__; $file }] if $path eq '/file';
        return sub { $_[0]->([200, [], ['delayed']]) } if $path eq '/delayed';
        return sub {
          my $writer = $_[0]->([200, []]);
          $writer->write($_) for qw(str eam ed);
          $writer->close;
        } if $path eq '/stream';
        $env->{'psgix.cleanup.handlers'} = [sub { note('replaced') }] if $path eq '/replace';
        $env->{'psgix.cleanup.handlers'} = 'nothing' if $path eq '/nonsense';
        [200, [], [$env->{'psgix.cleanup'} ? $$ : 'no psgix.cleanup']];
      };
      """)
    return site
  }

  private func begun(_ site: Site) -> Bool { eventually { site.noted.contains("handler of /wait") } }

  @Test func theClientDoesNotWaitForThem() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      let connection = try server.connect()
      #expect(try connection.exchange("GET", "/wait").status == 200)
      #expect(begun(site), "\(server)")
      #expect(!site.noted.contains("done"))
      try site.write(site.notes + "/go", "")
      #expect(eventually { site.noted.contains("done") }, "\(server)")
    }
  }

  @Test func theNextRequestOnTheConnectionGoesToAnotherWorker() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 2)) { server throws in
      let connection = try server.connect()
      let first = try connection.exchange("GET", "/wait").text
      #expect(begun(site), "\(server)")
      for _ in 0..<3 {
        let next = try connection.exchange("GET", "/plain")
        #expect(next.status == 200)
        #expect(next.text != first, "\(server)")
      }
      #expect(!site.noted.contains("done"))
      try site.write(site.notes + "/go", "")
    }
  }

  @Test func theWorkerTakesNoRequestBeforeTheyAreDone() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      let connection = try server.connect()
      _ = try connection.exchange("GET", "/wait")
      #expect(begun(site), "\(server)")
      let other = try server.connect()
      try other.request("GET", "/plain")
      try connection.request("GET", "/plain")
      #expect(!other.hasSomething(within: 200))
      #expect(!connection.hasSomething(within: 1))
      try site.write(site.notes + "/go", "")
      #expect(try other.response().status == 200, "\(server)")
      #expect(try connection.response().status == 200, "\(server)")
      #expect(site.noted == ["request /wait", "handler of /wait", "done", "request /plain", "request /plain"])
    }
  }

  @Test(arguments: ["/", "/file", "/delayed", "/stream", "/die"]) func theyRunAfterEveryKindOfAnswer(
    path: String
  ) throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      for method in ["GET", "HEAD"] {
        _ = try server.ask(method, path)
        #expect(eventually { site.noted.last == "handler of \(path)" }, "\(site.noted)\n\(server)")
      }
      let connection = try server.connect()
      try connection.send("GET \(path) HTTP/1.0\r\n\r\n")
      _ = try connection.response()
      #expect(eventually { site.noted.count == 6 && site.noted.last == "handler of \(path)" }, "\(server)")
    }
  }

  @Test func thoseThatDieAreLoggedAndTheOthersRun() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      #expect(try server.ask("GET", "/errors").status == 200)
      #expect(server.logs("no cleanup"), "\(server)")
      #expect(eventually { site.noted == ["request /errors", "handler of /errors", "last", "added"] }, "\(site.noted)")
      #expect(server.log.contains("HASH(0x"), "\(server)")
      #expect(server.log.contains("no sub"), "\(server)")
      #expect(try server.ask("GET", "/plain").status == 200)
    }
  }

  @Test func theApplicationMayReplaceTheList() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      #expect(try server.ask("GET", "/replace").status == 200)
      #expect(eventually { site.noted == ["request /replace", "replaced"] }, "\(server)")
      #expect(try server.ask("GET", "/nonsense").status == 200)
      #expect(try server.ask("GET", "/plain").status == 200)
      #expect(site.noted.suffix(2) == ["request /nonsense", "request /plain"])
    }
  }

  @Test func oneThatExitsEndsItsWorkerAndNoConnection() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      let connection = try server.connect()
      let pid = try connection.exchange("GET", "/exit").text
      let next = try connection.exchange("GET", "/plain")
      #expect(next.status == 200, "\(server)")
      #expect(next.text != pid)
    }
  }

  @Test func aWorkerThatIsKilledInOneCostsNoConnection() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      let connection = try server.connect()
      let pid = try #require(pid_t(try connection.exchange("GET", "/wait").text))
      #expect(begun(site), "\(server)")
      try connection.request("GET", "/plain")
      kill(pid, SIGKILL)
      #expect(try connection.response().status == 200, "\(server)")
    }
  }

  @Test func theServerWaitsForThemWhenItStops() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      _ = try server.ask("GET", "/wait")
      #expect(begun(site), "\(server)")
      server.process.send(SIGTERM)
      #expect(eventually { (try? server.connect()) == nil })
      try site.write(site.notes + "/go", "")
      #expect(server.process.waitForEnd() == .code(0))
      #expect(site.noted.last == "done")
    }
  }

  @Test func aReloadDoesNotWaitForThemAndTheyEndInTheirWorker() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      _ = try server.ask("GET", "/wait")
      #expect(begun(site), "\(server)")
      try site.edit("app.psgi", "'delayed'", "'deferred'")
      #expect(try server.text("/delayed") == "deferred", "\(server)")
      #expect(!site.noted.contains("done"))
      try site.write(site.notes + "/go", "")
      #expect(eventually { site.noted.contains("done") }, "\(server)")
    }
  }

  @Test func thousandsCostNoMemory() throws {
    let site = try Site([
      "app.psgi": """
      use Nacre;
      my $n = 0;
      Nacre->on_worker_start(sub { $n = 1 });
      sub {
        my $env = shift;
        my $text = 'x' x 1000;
        push @{ $env->{'psgix.cleanup.handlers'} }, sub { $n += length $text }, sub { die "gone\\n" if $_[0]{QUERY_STRING} };
        [200, [], [$$]];
      };
      """
    ])
    try site.serve(ServerOptions(workers: 1)) { server throws in
      let connection = try server.connect()
      var pid: pid_t = 0
      func ask(_ count: Int) throws {
        for round in 0..<count {
          let path = round % 10 == 0 ? "/?die" : "/"
          pid = pid_t(try connection.exchange("GET", path).text) ?? 0
        }
      }
      try ask(500)
      let before = try residentKilobytes(pid)
      try ask(3000)
      #expect(try residentKilobytes(pid) - before < 300, "\(server)")
    }
  }
}
