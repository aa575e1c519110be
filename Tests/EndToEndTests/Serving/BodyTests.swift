import Foundation
import Glibc
import Testing

/// Bodies of requests.
@Suite(.lane) struct BodyTests {
  /// Answers with the length and the digest of the body, read to its end.
  private static let digesting = Site.app(
    "join ' ', length $body, Digest::MD5::md5_hex($body), $env->{CONTENT_LENGTH} // 'none'",
    using: "use Digest::MD5;"
  ).replacingOccurrences(
    of: "my $env = shift;",
    with: """
      my $env = shift; my $body = '';
      while (my $count = $env->{'psgi.input'}->read(my $part, 8192)) { $body .= $part }
      """)

  private func body(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
  }

  private func digest(_ bytes: [UInt8]) throws -> String {
    let site = try Site([:])
    try site.write("body", bytes)
    return String(try Command.run(["/usr/bin/md5sum", site.absolute("body")]).output.prefix(32))
  }

  @Test(arguments: [0, 1, 1000, 65_536, 1_048_576, 1_048_577, 5_000_000])
  func bodyOfAnySizeArrivesWhole(_ count: Int) throws {
    let site = try Site(["app.psgi": Self.digesting])
    try site.serve { server in
      let bytes = body(count)
      let connection = try server.connect()
      for _ in 0..<2 {
        let answer = try connection.exchange("POST", body: bytes)
        #expect(answer.text == "\(count) \(try digest(bytes)) \(count)", "\(server)")
      }
    }
  }

  @Test(arguments: [10, 100_000, 2_000_000]) func chunkedBodyArrivesWhole(_ count: Int) throws {
    let site = try Site(["app.psgi": Self.digesting])
    try site.serve { server in
      let bytes = body(count)
      let connection = try server.connect()
      try connection.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
      var sent = 0
      while sent < count {
        let size = min(count - sent, 1 + sent % 70_000)
        try connection.send("\(String(size, radix: 16));extension=1\r\n")
        try connection.send(Array(bytes[sent..<sent + size]) + Array("\r\n".utf8))
        sent += size
      }
      try connection.send("0\r\nX-Trailer: ignored\r\n\r\n")
      let words = try connection.response().text.split(separator: " ")
      #expect(words.prefix(2) == ["\(count)", Substring(try digest(bytes))], "\(server)")
      #expect(try connection.exchange().text.hasPrefix("0 "), "the connection serves on")
    }
  }

  @Test func bodyCanBeReadAgainAfterSeekingBack() throws {
    let site = try Site([
      "app.psgi": Site.app(
        """
        do {
          my $in = $env->{'psgi.input'}; my @seen;
          for (1 .. 2) { my $got = ''; 1 while $in->read($got, 100, length $got); push @seen, length $got; $in->seek(0, 0) }
          $in->read(my $start, 3); push @seen, $start; $in->seek(1, 0); $in->read($start, 2); push @seen, $start;
          join ' ', @seen;
        }
        """)
    ])
    try site.serve { server in
      #expect(try server.ask("POST", body: Array("abcdef".utf8)).text == "6 6 abc bc", "\(server)")
      let large = try server.ask("POST", body: Array("abc".utf8) + body(2_000_000))
      #expect(large.text == "2000003 2000003 abc bc", "\(server)")
    }
  }

  @Test func bodyThatTheApplicationDoesNotReadIsSkipped() throws {
    let site = try Site(["app.psgi": Site.app("$env->{PATH_INFO}")])
    try site.serve { server in
      let connection = try server.connect()
      for size in [5, 70_000, 1_500_000, 5] {
        #expect(try connection.exchange("POST", "/\(size)", body: body(size)).text == "/\(size)", "\(server)")
      }
    }
  }

  @Test func bodyThatComesSlowlyHoldsNoWorker() throws {
    let site = try Site(["app.psgi": Self.digesting])
    try site.serve(ServerOptions(workers: 1)) { server in
      let slow = try server.connect()
      try slow.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nabc")
      for _ in 0..<3 { #expect(try server.ask().status == 200, "\(server)") }
      try slow.send("def")
      #expect(try slow.response().text.hasPrefix("6 e80b5017098950fc58aad83c8c14978e"), "\(server)")
    }
  }

  @Test func clientThatWaitsForContinueIsTold() throws {
    let site = try Site(["app.psgi": Self.digesting])
    try site.serve { server in
      let connection = try server.connect()
      try connection.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
      #expect(try connection.responseHead().status == 100)
      try connection.send("abc")
      #expect(try connection.response().text.hasPrefix("3 900150983cd24fb0d6963f7d28e17f72"), "\(server)")
    }
  }

  @Test func clientThatLeavesInItsBodyHarmsNobody() throws {
    let site = try Site(["app.psgi": Self.digesting])
    try site.serve(ServerOptions(workers: 1)) { server in
      for _ in 0..<5 {
        try server.connect().send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
      }
      #expect(try server.ask().status == 200, "\(server)")
    }
  }

  @Test(arguments: [
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 4\r\n\r\nabc",
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
  ])
  func bodyWithoutAClearEndIsRefused(_ request: String) throws {
    let site = try Site(["app.psgi": Self.digesting])
    try site.serve { server in
      let connection = try server.connect()
      try connection.send(request)
      let answer = try connection.response()
      #expect([400, 411, 501].contains(answer.status), "\(answer.status)")
      #expect(try connection.isClosed())
      #expect(try server.ask().status == 200)
    }
  }
}
