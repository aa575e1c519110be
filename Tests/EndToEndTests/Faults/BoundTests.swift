import Foundation
import Glibc
import Testing

/// What could go on for ever, or reach further than it should.
@Suite(.lane, .slow) struct BoundTests {
  /// Binds the port, keeps the socket in a process of its own that shuts it down when a file is there, and becomes nacre.
  private static let share = """
    use strict; use Socket; use POSIX ();
    my $go = shift;
    my ($port) = map { $ARGV[$_ + 1] } grep { $ARGV[$_] eq '-p' } 0 .. $#ARGV;
    socket my $tcp, PF_INET, SOCK_STREAM, 0 or die $!;
    setsockopt $tcp, SOL_SOCKET, SO_REUSEADDR, 1;
    bind $tcp, sockaddr_in($port, inet_aton('127.0.0.1')) or die "$port: $!";
    listen $tcp, 10 or die $!;
    if (!fork) { select undef, undef, undef, 0.01 until -e $go || getppid == 1; shutdown $tcp, 2; exit }
    POSIX::dup2(fileno $tcp, 40);
    POSIX::close(fileno $tcp);
    POSIX::dup2(40, 3);
    POSIX::close(40);
    $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$;
    exec { $ARGV[0] } @ARGV or die $!;
    """

  @Test func listenerThatAnotherProgramShutsDownIsLeftAloneAndTold() throws {
    let site = try Site(["app.psgi": Site.app("'hello'")])
    try site.write(site.notes + "/share.pl", Self.share)
    var options = ServerOptions.production
    options.command = [Products.perl, site.notes + "/share.pl", site.notes + "/go", Products.nacre]
    try site.serve(options) { server throws in
      let kept = try server.connect()
      #expect(try kept.exchange().text == "hello", "\(server)")
      try site.write(site.notes + "/go", "")
      #expect(server.logs("another program has shut it down"), "\(server)")
      #expect(eventually { ProcessEntry(pid: server.process.pid)?.state == "S" }, "it rests\n\(server)")
      for _ in 0..<3 { #expect(try kept.exchange().text == "hello", "\(server)") }
      #expect(server.log.components(separatedBy: "shut it down").count == 2, "\(server)")
    }
  }

  @Test func cleanupHandlerThatTakesTooLongIsEnded() throws {
    let site = try Site([
      "app.psgi": """
      sub {
        my $env = shift;
        push @{ $env->{'psgix.cleanup.handlers'} }, sub { sleep 1 while 1 } if $env->{PATH_INFO} eq '/slow';
        [200, [], ['answered']];
      };
      """
    ])
    var options = ServerOptions(environment: "production", workers: 1)
    options.arguments = ["--timeout", "1"]
    try site.serve(options) { server throws in
      #expect(try server.text("/slow") == "answered", "\(server)")
      #expect(try server.text() == "answered", "\(server)")
      #expect(server.logs("GET /slow took longer than 1 s (--timeout)"), "\(server)")
    }
  }

  @Test(.enabled(if: getuid() == 0, "only root becomes somebody else"))
  func errorLogThatIsAnotherUsersLinkIsRefused() throws {
    let site = try Site(["app.psgi": Site.app("'hello'"), "precious": "content"])
    chmod(site.notes, 0o777)
    try site.link(site.notes + "/log", to: site.absolute("precious"))
    let run = try Command.run(
      [Products.nacre, "-p", "0", "--user", "nobody", "--error-log", site.notes + "/log"], directory: site.path)
    #expect(run.end == .code(1) && run.errors.contains("it is a link, which root does not follow for --user"), "\(run)")
    #expect(site.read("precious") == "content")
  }

  @Test(.enabled(if: getuid() == 0, "only root becomes somebody else"))
  func startThatFailsLeavesNoPidFile() throws {
    let site = try Site(["app.psgi": Site.app("'hello'"), "busy": "no socket"])
    let file = site.notes + "/pid"
    let run = try Command.run(
      [Products.nacre, "--user", "nobody", "--pid", file, "-l", site.absolute("busy")], directory: site.path)
    #expect(run.end == .code(1), "\(run)")
    #expect(access(file, F_OK) != 0)
  }

  @Test func perlThatDoesNotAnswerIsNotWaitedForForEver() throws {
    let site = try Site(["app.psgi": Site.app("'hello'"), "perl": "#!/bin/sh\nexec sleep 1000\n"])
    chmod(site.absolute("perl"), 0o755)
    let run = try Command.run([Products.nacre, "-p", "0", "--perl", site.absolute("perl")], directory: site.path)
    #expect(run.end == .code(1) && run.errors.contains("does not answer within 10 s"), "\(run)")
  }
}
