import Foundation
import Glibc
import Testing

/// Sockets that somebody else has bound: systemd's and Server::Starter's ways.
@Suite(.lane) struct InheritedSocketTests {
  /// Answers with the variables that tell of sockets.
  private static let telling = """
    sub {
      my $left = join ',', sort grep { /^(LISTEN|SERVER_STARTER|NOTIFY)_/ } keys %ENV;
      [200, ['Content-Type' => 'text/plain'], ["[$left] $_[0]{SERVER_PORT}"]];
    };
    """

  /// Binds the port that follows `-p` and a Unix socket, as systemd-socket-activate does, and becomes nacre.
  private static let activate = """
    use strict; use Socket; use POSIX ();
    my ($path, $who) = splice @ARGV, 0, 2;
    my ($port) = map { $ARGV[$_ + 1] } grep { $ARGV[$_] eq '-p' } 0 .. $#ARGV;
    socket my $tcp, PF_INET, SOCK_STREAM, 0 or die $!;
    setsockopt $tcp, SOL_SOCKET, SO_REUSEADDR, 1;
    bind $tcp, sockaddr_in($port, inet_aton('127.0.0.1')) or die "$port: $!";
    listen $tcp, 10 or die $!;
    socket my $unix, PF_UNIX, SOCK_STREAM, 0 or die $!;
    bind $unix, sockaddr_un($path) or die $!;
    listen $unix, 10 or die $!;
    my @numbers = map { fileno $_ } $tcp, $unix;
    POSIX::dup2($numbers[$_], 40 + $_) for 0, 1;
    POSIX::close($_) for @numbers;
    POSIX::dup2(40 + $_, 3 + $_), POSIX::close(40 + $_) for 0, 1;
    $ENV{LISTEN_FDS} = 2; $ENV{LISTEN_PID} = $who eq 'self' ? $$ : 1; $ENV{LISTEN_FDNAMES} = 'web:local';
    exec { $ARGV[0] } @ARGV or die $!;
    """

  /// What a process has open, by number.
  private func descriptors(of pid: pid_t) throws -> [String: String] {
    let directory = "/proc/\(pid)/fd"
    let numbers = try FileManager.default.contentsOfDirectory(atPath: directory)
    return Dictionary(
      uniqueKeysWithValues: numbers.map {
        ($0, (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\($0)")) ?? "")
      })
  }

  private func options(_ site: Site, for who: String) throws -> ServerOptions {
    let script = site.notes + "/activate.pl"
    try site.write(script, Self.activate)
    var options = ServerOptions.production
    options.command = [Products.perl, script, site.notes + "/unix.sock", who, Products.nacre]
    return options
  }

  @Test func socketsOfSystemdAreServedAndNotTheApplications() throws {
    let site = try Site(["app.psgi": Self.telling])
    var options = try options(site, for: "self")
    options.arguments = ["-l", site.notes + "/another.sock"]
    try site.serve(options) { server throws in
      #expect(server.logs("-l is not used: nacre listens on the sockets that it was started with"), "\(server)")
      #expect(try server.text() == "[] \(server.port)", "\(server)")
      let unix = try Connection(path: site.notes + "/unix.sock")
      #expect(try unix.exchange(headers: ["Connection: close"]).text == "[] 0", "\(server)")
      #expect(server.logs("http://127.0.0.1:\(server.port)/ and unix:\(site.notes)/unix.sock serves"), "\(server)")
      let listening = try descriptors(of: server.process.pid)
      #expect(listening["3"]?.hasPrefix("socket:") == true && listening["4"]?.hasPrefix("socket:") == true)
      for pid in server.perlProcesses {
        let own = try descriptors(of: pid).values
        #expect(!own.contains(listening["3"]!) && !own.contains(listening["4"]!), "process \(pid)")
      }
    }
    #expect(
      FileManager.default.fileExists(atPath: site.notes + "/unix.sock"), "it belongs to who has bound it")
  }

  @Test func socketsOfSystemdGoOverToANewServer() throws {
    let site = try Site(["app.psgi": Site.restarting()])
    let options = try options(site, for: "self")
    try site.serve(options) { server throws in
      let unix = try Connection(path: site.notes + "/unix.sock")
      #expect(try unix.exchange().text == "\(server.process.pid) one 0", "\(server)")
      for _ in 0..<2 {
        let new = try server.restart()
        #expect(try server.text() == "\(new) one 0", "\(server)")
        #expect(try unix.exchange().text == "\(new) one 0", "\(server)")
        let other = try Connection(path: site.notes + "/unix.sock")
        #expect(try other.exchange().text == "\(new) one 0", "\(server)")
      }
    }
    #expect(FileManager.default.fileExists(atPath: site.notes + "/unix.sock"), "it belongs to who has bound it")
  }

  @Test func socketsForAnotherProcessAreLeftAlone() throws {
    let site = try Site(["app.psgi": Self.telling])
    try site.write(site.notes + "/activate.pl", Self.activate)
    // It binds the port, so that nacre, which is to bind it itself, cannot.
    let run = try Command.run(
      [
        Products.perl, site.notes + "/activate.pl", site.notes + "/unix.sock", "other", Products.nacre, "-p", "24999",
        site.absolute("app.psgi"),
      ])
    #expect(run.end == .code(1) && run.errors.contains("port 24999 on 127.0.0.1 is in use"), "\(run)")
  }

  @Test func descriptorsThatAreNoListeningSocketsAreNamed() throws {
    let site = try Site(["app.psgi": Self.telling])
    let script = "$ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$; $^F = 9; open my $f, '<', '/dev/null'; exec @ARGV"
    let run = try Command.run([Products.perl, "-e", script, Products.nacre, site.absolute("app.psgi")])
    #expect(run.end == .code(1) && run.errors.contains("descriptor 3 was handed down"), "\(run)")
    let starter = try Command.run(
      [Products.nacre, site.absolute("app.psgi")], environment: ["SERVER_STARTER_PORT": "0.0.0.0:80=77"])
    #expect(starter.end == .code(1) && starter.errors.contains("0.0.0.0:80 (descriptor 77)"), "\(starter)")
  }

  // MARK: Server::Starter

  private static let startServer = Products.find("start_server")

  @Test(.enabled(if: startServer != nil, "libserver-starter-perl is not installed"))
  func serverStarterReplacesOneNacreByTheNextWithoutALostRequest() throws {
    let site = try Site(["app.psgi": Site.app("\"$$ $ENV{SERVER_STARTER_GENERATION}\"")])
    var options = ServerOptions.production
    options.command = [
      try #require(Self.startServer), "--port", "127.0.0.1:PORT", "--path", site.notes + "/starter.sock", "--",
      Products.nacre,
    ]
    options.arguments = ["--pid", site.notes + "/nacre.pid"]
    try site.serve(options, expecting: nil) { server throws in
      #expect(try server.text().hasSuffix(" 1"), "\(server)")
      let pidFile = site.notes + "/nacre.pid"
      let first = try firstValue { Int32(contents(of: pidFile).trimmingCharacters(in: .newlines)) }
      server.process.send(SIGHUP)
      // Every request is answered, by the old one and then by the new one.
      let isReplaced = try eventually { try server.text().hasSuffix(" 2") }
      #expect(isReplaced, "\(server)")
      #expect(eventually { kill(first, 0) != 0 }, "the old one leaves\n\(server)")
      for _ in 0..<20 { #expect(try server.text().hasSuffix(" 2"), "\(server)") }
      let unix = try Connection(path: site.notes + "/starter.sock")
      #expect(try unix.exchange(headers: ["Connection: close"]).text.hasSuffix(" 2"), "\(server)")
      #expect(
        contents(of: pidFile) != "" && contents(of: pidFile) != "\(first)\n",
        "the pid file is the new one's, and the old one has left it alone")
      // The old one had the control socket when the new one started.
      let second = contents(of: pidFile).trimmingCharacters(in: .newlines)
      #expect(server.logs("Until that one is gone the server runs without control"), "\(server)")
      #expect(server.logs("nacre/\(server.port).sock now"), "\(server)")
      let status = try site.nacre(["status", "--json", "-p", "\(server.port)"])
      let document = try JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any]
      #expect((document?["pid"] as? Int).map { "\($0)" } == second, "\(status)\n\(server)")
    }
    #expect(!FileManager.default.fileExists(atPath: site.notes + "/nacre.pid"))
  }

  /// What Server::Starter does, but it never ends the one before.
  private static let starter = """
    use strict; use Socket;
    my ($port) = map { $ARGV[$_ + 1] } grep { $ARGV[$_] eq '-p' } 0 .. $#ARGV;
    $^F = 99;
    socket my $tcp, PF_INET, SOCK_STREAM, 0 or die $!;
    setsockopt $tcp, SOL_SOCKET, SO_REUSEADDR, 1;
    bind $tcp, sockaddr_in($port, inet_aton('127.0.0.1')) or die "$port: $!";
    listen $tcp, 10 or die $!;
    $ENV{SERVER_STARTER_PORT} = "127.0.0.1:$port=" . fileno $tcp;
    my (@running, $asked, $stops);
    $SIG{HUP} = sub { $asked = 1 };
    $SIG{TERM} = sub { $stops = 1; kill TERM => @running };
    for (my $start = 1; !$stops; $start = $asked, $asked = 0) {
      if ($start) {
        $ENV{SERVER_STARTER_GENERATION}++;
        push @running, fork // die $!;
        if (!$running[-1]) { $SIG{$_} = 'DEFAULT' for qw(HUP TERM); exec { $ARGV[0] } @ARGV or die $! }
      }
      select undef, undef, undef, 0.05;
    }
    1 while wait != -1;
    """

  @Test func newNacreLeavesConnectionsToTheOldOneUntilItIsReady() throws {
    // The second load takes until a file appears.
    let site = try Site(["app.psgi": "1"])
    try site.write(
      "app.psgi",
      """
      if ($ENV{SERVER_STARTER_GENERATION} > 1) {
        open my $note, '>', '\(site.notes)/loading'; select undef, undef, undef, 0.01 until -e '\(site.notes)/go';
      }
      sub { [200, ['Content-Type' => 'text/plain'], [$ENV{SERVER_STARTER_GENERATION}]] }
      """)
    try site.write(site.notes + "/starter.pl", Self.starter)
    var options = ServerOptions.production
    options.command = [Products.perl, site.notes + "/starter.pl", Products.nacre]
    try site.serve(options) { server throws in
      #expect(try server.text() == "1", "\(server)")
      server.process.send(SIGHUP)
      #expect(eventually { FileManager.default.fileExists(atPath: site.notes + "/loading") }, "\(server)")
      for _ in 0..<20 { #expect(try server.text() == "1", "\(server)") }
      try site.write(site.notes + "/go", "")
      let isServed = try eventually { try server.text() == "2" }
      #expect(isServed, "both serve now\n\(server)")
    }
  }
}
