import Foundation
import Glibc
import Testing

/// What is promised of HTTP/2 beyond what is promised of every connection.
@Suite(.lane) struct HTTP2Tests {
  typealias Frame = RawHTTP2.Frame

  private func serve(
    _ app: String, environment: String = "development", workers: Int = 2, way: Way = .http2InTheClear,
    _ body: (Server) throws -> Void
  ) throws {
    let site = try Site(["app.psgi": app])
    if way.isSecure { try site.makeCertificate() }
    try site.serve(way.options(environment: environment, workers: workers), body)
  }

  // MARK: Freshness

  @Test func nextStreamOfAConnectionRunsTheSavedCode() throws {
    try serve(Site.app("'version 1'")) { server throws in
      let client = try RawHTTP2(server)
      for number in 1...10 {
        #expect(try client.text(UInt32(2 * number - 1)) == .answered("version \(number)"), "\(server)")
        try server.site.edit("app.psgi", "version \(number)'", "version \(number + 1)'")
      }
    }
  }

  @Test(.slow) func fiftyReloadsUnderLoadFailNoRequest() throws {
    try serve(Site.app("'version 1'"), environment: "production", way: .http2) { server throws in
      let site = server.site
      #expect(server.logs("generation 1"), "\(server)")
      var version = 1
      while version <= 50 {
        try server.whileAsked(2000, .http2, ["-c", "4", "-m", "10"]) {
          try site.edit("app.psgi", "version \(version)'", "version \(version + 1)'")
          version += 1
          #expect(server.logs("generation \(version) by", within: 120), "\(server)")
        }
      }
    }
  }

  @Test func errorPagesStreamOfEventsComesThrough() throws {
    try serve(Site.app("'good'"), way: .http2) { server throws in
      let site = server.site
      let output = site.notes + "/events"
      let client = try ChildProcess(
        ["/usr/bin/curl", "-sSN"] + Way.http2.curl + ["https://127.0.0.1:\(server.port)/.nacre/events"],
        directory: site.path, environment: testEnvironment, output: output, errors: output + "-errors")
      let begins = eventually { contents(of: output).contains("data: good") }
      #expect(begins, "\(contents(of: output))\(contents(of: output + "-errors"))\(server)")
      try site.edit("app.psgi", "'good'", "'good")
      let fails = eventually { contents(of: output).contains("data: failed") }
      #expect(fails, "\(contents(of: output))\(server)")
      let page = try server.curl(.http2)
      #expect(page.output.contains("app.psgi line"), "\(page)")
      client.killSession()
    }
  }

  // MARK: The end

  @Test func streamsInFlightAreFinishedAtTheEndAndIdleConnectionsAreClosed() throws {
    let app = Site.app("do { select undef, undef, undef, 0.01 until -e 'go'; 'done' }")
    let site = try Site(["app.psgi": app])
    try site.serve(Way.http2InTheClear.options()) { server throws in
      let (busy, idle) = (try RawHTTP2(server), try RawHTTP2(server))
      #expect(try idle.next()?.type == 4)
      try busy.send(.headers(1, RawHTTP2.request()))
      try server.waitForARequest()
      server.process.send(SIGTERM)
      #expect(try idle.ending(of: 1) == .closed(code: 0), "\(server)")
      #expect(server.process.ended() == nil)
      try site.write("go", "")
      #expect(try busy.ending(of: 1) == .answered("done"), "\(server)")
      while try busy.next() != nil {}
      #expect(server.process.waitForEnd() == .code(0), "\(server)")
    }
  }

  // MARK: Slow clients

  @Test func clientThatDoesNotReadHoldsNoWorker() throws {
    try serve(
      Site.app("$env->{PATH_INFO} eq '/big' ? 'x' x 20_000_000 : 'small'"), environment: "production", workers: 1
    ) { server throws in
      let slow = try RawHTTP2(server)
      // More of them than would fit into memory that is not bounded.
      for stream in 0..<20 { try slow.send(.headers(UInt32(2 * stream + 1), RawHTTP2.request("GET", "/big"))) }
      while let frame = try slow.next(), frame.type != 0 {}
      #expect(try server.text() == "small", "\(server)")
      let memory = contents(of: "/proc/\(server.process.pid)/status").firstMatch(of: /VmHWM:\s+(\d+) kB/)
      #expect(try Int(#require(memory).1)! < 200_000, "\(server)")
      // Whoever reads after all gets all of it.
      try slow.send(.window(0, 400_000_000), .window(1, 400_000_000))
      var count = 0
      while let frame = try slow.next() {
        guard frame.stream == 1, frame.type == 0 else { continue }
        count += frame.payload.count
        if frame.flags & Frame.endStream != 0 { break }
      }
      #expect(count > 19_900_000, "\(server)")
    }
  }

  @Test func clientThatSendsSlowlyHoldsNoWorker() throws {
    try serve(Site.app("$env->{CONTENT_LENGTH} // 'none'"), environment: "production", workers: 1) { server throws in
      let slow = try RawHTTP2(server)
      try slow.send(.headers(1, RawHTTP2.request("POST"), end: false), .data(1, Array(repeating: 0x78, count: 1000)))
      #expect(try server.text() == "none", "\(server)")
      try slow.send(.data(1, Array(repeating: 0x78, count: 500), end: true))
      #expect(try slow.ending(of: 1) == .answered("1500"), "\(server)")
    }
  }

  @Test func streamThatIsGivenUpLeavesNothingBehind() throws {
    let app = Site.app("do { select undef, undef, undef, 0.01 until $env->{PATH_INFO} ne '/wait' || -e 'go'; 'done' }")
    try serve(app, environment: "production") { server throws in
      let client = try RawHTTP2(server)
      let descriptors = "/proc/\(server.process.pid)/fd"
      func count() -> Int { (try? FileManager.default.contentsOfDirectory(atPath: descriptors).count) ?? 0 }
      #expect(try client.text(1) == .answered("done"), "\(server)")
      let before = count()
      for stream in 1...50 { try client.send(.headers(UInt32(2 * stream + 1), RawHTTP2.request("GET", "/wait"))) }
      // The pair of the first stream may have been open when they were counted.
      let isThere = eventually { count() >= before + 98 }
      #expect(isThere, "\(server)")
      for stream in 1...50 { try client.send(.reset(UInt32(2 * stream + 1))) }
      try server.site.write("go", "")
      let isGone = eventually { count() <= before }
      #expect(isGone, "\(count()) descriptors, \(before) before; \(server)")
      #expect(try client.text(103) == .answered("done"), "\(server)")
    }
  }

  // MARK: What HTTP/1.1 has other words for

  @Test func crumbsOfCookiesAreOne() throws {
    try serve(Site.app("$env->{HTTP_COOKIE}")) { server throws in
      let client = try RawHTTP2(server)
      try client.send(.headers(1, RawHTTP2.request("GET", "/", [("cookie", "a=1"), ("cookie", "b=2")])))
      #expect(try client.ending(of: 1) == .answered("a=1; b=2"), "\(server)")
    }
  }

  @Test func trailersAreIgnored() throws {
    try serve(Site.app("join ' ', $env->{CONTENT_LENGTH}, grep /TRAIL/, keys %$env")) { server throws in
      let client = try RawHTTP2(server)
      try client.send(
        .headers(1, RawHTTP2.request("POST"), end: false), .data(1, [1, 2, 3]), .headers(1, [("x-trailer", "x")]))
      #expect(try client.ending(of: 1) == .answered("3"), "\(server)")
    }
  }

  @Test(arguments: [Way.http2, .tls]) func responsesWithoutABodyHaveNone(_ way: Way) throws {
    let app = "sub { my $p = $_[0]{PATH_INFO}; $p =~ /(\\d+)/ ? [$1, [], []] : [200, ['X-A' => 'b'], ['body']] }"
    try serve(app, way: way) { server throws in
      for code in ["204", "304"] {
        let run = try server.curl(way, "/\(code)", ["-w", "%{http_code} %{size_download}"])
        #expect(run.output == "\(code) 0", "\(run)\(server)")
      }
      let run = try server.curl(way, "/", ["-I"])
      #expect(run.output.lowercased().contains("content-length: 4"), "\(run)\(server)")
    }
  }

  @Test(arguments: [Way.http2, .tls]) func clientThatWaitsForLeaveGetsIt(_ way: Way) throws {
    try serve(Site.app("$env->{CONTENT_LENGTH}"), way: way) { server throws in
      try server.site.write("body", String(repeating: "x", count: 200_000))
      let run = try server.curl(
        way, "/", ["-v", "-H", "Expect: 100-continue", "--expect100-timeout", "50", "-T", "body"])
      #expect(run.output == "200000" && run.errors.contains("100"), "\(run)\(server)")
      #expect(run.errors.contains(/HTTP\/[12.]+ 100/), "\(run)\(server)")
    }
  }
}

extension Server {
  /// Waits until a worker is in a request.
  func waitForARequest() throws {
    let isBusy = try eventually {
      let run = try Command.run(
        [Products.nacre, "status", "-p", "\(port)"], environment: site.controlVariables)
      return run.output.contains(", 1 busy")
    }
    guard isBusy else { throw Stuck("no request was begun") }
  }
}
