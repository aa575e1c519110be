import Foundation
import Testing

/// `psgix.io`, and what may be sent before a response (`psgix.informational`).
@Suite(.lane) struct RawConnectionTests {
  /// `/echo` takes the connection over, `/peer` only looks at it, `/kept` looks at that of the request before.
  private static let app = """
    use strict; use warnings; my $before;
    sub {
      my $env = shift;
      return [200, [], [defined $before->{'psgix.io'} ? 'there' : 'gone']] if $env->{PATH_INFO} eq '/kept';
      $before = $env;
      my $io = $env->{PATH_INFO} =~ /not/ ? undef : $env->{'psgix.io'};
      return [200, [], [ref($io) . ' ' . ($io && $io->can('peerport') ? $io->peerport : '-')]] if $env->{PATH_INFO} ne '/echo';
      return sub {
        syswrite $io, "HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n";
        while (sysread $io, my $text, 4096) {
          syswrite $io, uc $text;
          last if $text =~ /end/;
        }
        $_[0] = undef;
      };
    };
    """

  private func serve(_ way: Way = .tcp, _ app: String = app, _ body: (Server) throws -> Void) throws {
    let site = try Site(["app.psgi": app])
    if way.isSecure { try site.makeCertificate() }
    try site.serve(way.options(environment: "production", workers: 1), body)
  }

  @Test(arguments: [Way.tcp, .unix]) func applicationTakesTheConnectionOver(_ way: Way) throws {
    try serve(way) { server throws in
      func connect() throws -> Connection {
        try way == .unix ? Connection(path: server.site.absolute("app.sock")) : server.connect()
      }
      let connection = try connect()
      try connection.request("GET", "/echo", headers: ["Connection: Upgrade", "Upgrade: echo"])
      #expect(try connection.line("\r\n\r\n").hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"), "\(server)")
      for _ in 1...3 {
        try connection.send("hello ")
        #expect(try connection.line("HELLO ").isEmpty, "\(server)")
      }
      try connection.send("end")
      #expect(try connection.line("END").isEmpty)
      #expect(try connection.isClosed(), "the connection ends with the application's sub\n\(server)")
      // And the worker serves others.
      #expect(try connect().exchange("GET", "/not").text == " -", "\(server)")
      #expect(!server.log.contains("Nacre: "), "\(server)")
    }
  }

  @Test func connectionBehindTLSIsTheTextInIt() throws {
    try serve(.tls) { server throws in
      let run = try Command.run(
        [
          "/bin/sh", "-c",
          "(printf 'GET /echo HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'; sleep 0.2; echo end) | "
            + "openssl s_client -quiet -connect 127.0.0.1:\(server.port) 2>/dev/null",
        ], directory: server.site.path, within: 60)
      #expect(run.output.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n") && run.output.hasSuffix("END\n"), "\(run)")
    }
  }

  @Test func streamsOfHTTP2HaveNone() throws {
    try serve(.http2) { server throws in
      #expect(try server.curl(.http2, "/peer").output == " -", "\(server)")
    }
  }

  @Test func lookingAtTheConnectionKeepsIt() throws {
    try serve { server throws in
      let connection = try server.connect()
      for path in ["/peer", "/not", "/peer", "/peer"] {
        let answer = try connection.exchange("GET", path)
        #expect(answer.text == (path == "/not" ? " -" : "IO::Socket::INET \(connection.localPort)"), "\(server)")
        #expect(answer["Connection"] == nil, "\(server)")
      }
    }
  }

  @Test func connectionOfAnEarlierRequestIsGone() throws {
    try serve { server throws in
      let connection = try server.connect()
      #expect(try connection.exchange("GET", "/not").status == 200)
      #expect(try connection.exchange("GET", "/kept").text == "gone", "\(server)")
    }
  }

  @Test func whatIsPutThereStays() throws {
    let app = """
      sub {
        my $env = shift;
        $env->{'psgix.io'} = 'mine';
        my %copy = %$env;
        return [200, [], ["$copy{'psgix.io'} $env->{'psgix.io'}"]];
      };
      """
    try serve(.tcp, app) { server throws in
      let connection = try server.connect()
      for _ in 1...3 { #expect(try connection.exchange("GET").text == "mine mine", "\(server)") }
    }
  }

  @Test func failureAfterALookIsStillAnswered() throws {
    try serve(.tcp, "sub { my $io = $_[0]{'psgix.io'}; die \"on purpose\\n\" };") { server throws in
      #expect(try server.ask("GET").status == 500, "\(server)")
      #expect(server.log.contains("on purpose"))
    }
  }

  @Test func subThatDiesWithTheConnectionInItsHandsEndsIt() throws {
    let app = """
      sub {
        my $io = $_[0]{'psgix.io'};
        sub { syswrite $io, "HTTP/1.1 101 Switching Protocols\\r\\n\\r\\n"; die "on purpose\\n" };
      };
      """
    try serve(.tcp, app) { server throws in
      let connection = try server.connect()
      try connection.request()
      #expect(try connection.line("\r\n\r\n") == "HTTP/1.1 101 Switching Protocols", "\(server)")
      _ = try connection.isClosed()
      #expect(server.logs("on purpose"))
    }
  }

  /// The first look of a worker loads IO::Socket, in the middle of an op.
  @Test(arguments: [
    "my %copy = %$env; $copy{'psgix.io'}", "(sub { $_[0]{'psgix.io'} })->($env)",
    "(map { $_ } values %$env) && $env->{'psgix.io'}",
  ])
  func environmentCanBeCopied(_ look: String) throws {
    let app = "sub { my $env = shift; my $io = do { \(look) }; [200, [], [ref($io) . ' ' . $io->peerport]] };"
    try serve(.tcp, app) { server throws in
      let connection = try server.connect()
      for _ in 1...3 {
        #expect(try connection.exchange().text == "IO::Socket::INET \(connection.localPort)", "\(server)")
      }
    }
  }

  @Test func slowClientOfALargeFileHoldsNoWorkerThatHasLookedAtItsConnection() throws {
    let app = """
      sub {
        my %copy = %{ $_[0] };
        return [200, [], ['small']] if $copy{PATH_INFO} ne '/large';
        open my $in, '<:raw', 'large.bin' or die;
        [200, [], $in];
      };
      """
    let site = try Site(["app.psgi": app, "large.bin": String(repeating: "x", count: 30_000_000)])
    try site.serve(ServerOptions(environment: "production", workers: 1)) { server throws in
      let slow = try server.connect()
      slow.takeAtMost(4096)
      try slow.request("GET", "/large")
      #expect(try slow.responseHead().status == 200)
      #expect(try server.ask("GET", "/").text == "small", "\(server)")
    }
  }

  // MARK: Informational responses

  @Test func bodyCannotSendThem() throws {
    let app = """
      our $env;
      sub Late::getline { my $self = shift; return if $self->{done}++; eval { $env->{'psgix.informational'}->(102, []); 1 } ? 'sent' : $@ }
      sub Late::close { }
      sub { $env = shift; [200, [], bless {}, 'Late'] };
      """
    try serve(.tcp, app) { server throws in
      let connection = try server.connect()
      for _ in 1...2 {
        #expect(try connection.exchange().text.hasPrefix("the response has begun"), "\(server)")
      }
    }
  }

  private static let early = """
    sub {
      my $env = shift;
      $env->{'psgix.informational'}->(103, ['Link' => '</a.css>; rel=preload']) if $env->{PATH_INFO} eq '/early';
      my $said = eval { $env->{'psgix.informational'}->($1, []); 1 } ? 'sent' : $@ if $env->{PATH_INFO} =~ m{/as/(\\d+)};
      return [200, [], [$said // 'whole']];
    };
    """

  @Test func linksAreSentBeforeTheResponse() throws {
    try serve(.tcp, Self.early) { server throws in
      let connection = try server.connect()
      for _ in 1...2 {
        try connection.request("GET", "/early")
        let first = try connection.line("\r\n\r\n")
        #expect(first == "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload", "\(server)")
        #expect(try connection.response().text == "whole", "\(server)")
      }
      try connection.send("GET /early HTTP/1.0\r\nHost: a\r\n\r\n")
      #expect(try connection.response().status == 200, "clients of HTTP/1.0 know none")
    }
  }

  @Test func linksTravelByHTTP2() throws {
    try serve(.http2, Self.early) { server throws in
      let run = try server.curl(.http2, "/early", ["-i"])
      #expect(run.output.hasPrefix("HTTP/2 103 \r\nlink: </a.css>; rel=preload\r\n"), "\(run)")
      #expect(run.output.contains("HTTP/2 200") && run.output.hasSuffix("whole"), "\(run)")
    }
  }

  @Test(arguments: [101, 200, 99]) func onlyInformationalOnesAreSent(_ status: Int) throws {
    try serve(.tcp, Self.early) { server throws in
      let answer = try server.ask("GET", "/as/\(status)")
      #expect(answer.status == 200 && answer.text.hasPrefix("Nacre: the "), "\(answer.text)")
      let connection = try server.connect()
      try connection.request("GET", "/as/102")
      #expect(try connection.responseHead().status == 102)
      #expect(try connection.response().text == "sent")
    }
  }
}
