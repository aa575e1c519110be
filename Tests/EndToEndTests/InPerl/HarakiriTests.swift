import Foundation
import Glibc
import Testing

/// `psgix.harakiri`: a worker leaves because the application asks for it.
@Suite(.lane) struct HarakiriTests {
  private func site() throws -> Site {
    let site = try Site([:])
    try site.write(
      "app.psgi",
      """
      use Nacre; \(site.noteSub)
      Nacre->on_worker_stop(sub { note('stop') });
      END { note('end') }
      sub {
        my $env = shift;
        my $path = $env->{PATH_INFO};
        my $commit = sub { $env->{'psgix.harakiri.commit'} = 1 };
        $commit->() if $path eq '/now';
        push @{ $env->{'psgix.cleanup.handlers'} }, sub { note('handler'); $commit->() } if $path eq '/handler';
        return sub { my $writer = $_[0]->([200, []]); $writer->write($$); $commit->(); $writer->close } if $path eq '/stream';
        [200, [], [$env->{'psgix.harakiri'} ? $$ : 'no psgix.harakiri']];
      };
      """)
    return site
  }

  @Test(arguments: ["/now", "/handler", "/stream"]) func theWorkerLeavesInGoodOrderAndTheConnectionStays(
    path: String
  ) throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 1)) { server throws in
      let connection = try server.connect()
      let pid = try #require(pid_t(try connection.exchange("GET", path).text))
      let next = try connection.exchange()
      #expect(next.status == 200, "\(server)")
      #expect(next.text != "\(pid)")
      let expected = path == "/handler" ? ["handler", "stop", "end"] : ["stop", "end"]
      let isAsExpected = eventually { site.notedBy.filter { $0.pid == pid }.map(\.text) == expected }
      #expect(isAsExpected, "\(site.notedBy)\n\(server)")
      #expect(eventually { kill(pid, 0) != 0 })
    }
  }

  @Test func aWorkerThatIsNotAskedToStays() throws {
    try site().serve(ServerOptions(workers: 1)) { server throws in
      let pid = try server.text()
      for _ in 0..<5 { #expect(try server.text() == pid) }
    }
  }

  @Test func bytesThatWereSentAheadAreServedByTheNextWorker() throws {
    try site().serve(ServerOptions(workers: 1)) { server throws in
      let connection = try server.connect()
      try connection.send("GET /now HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
      let first = try connection.response().text
      let second = try connection.response()
      #expect(second.status == 200, "\(server)")
      #expect(second.text != first)
    }
  }

  @Test func noRequestFailsHoweverManyWorkersLeave() throws {
    let site = try site()
    try site.serve(ServerOptions(workers: 2)) { server throws in
      let connections = try (0..<4).map { _ in try server.connect() }
      for _ in 0..<5 {
        for connection in connections { try connection.request("GET", "/now") }
        for connection in connections { #expect(try connection.response().status == 200, "\(server)") }
      }
    }
  }
}
