import Foundation
import Testing

/// What an application may return, and what becomes of it.
@Suite(.lane) struct ResponseTests {
  /// An application with these answers by path; an expression each, `$env` and `$respond` at hand.
  private func site(_ answers: [String: String], _ files: [String: String] = [:]) throws -> Site {
    let cases = answers.map { "'\($0.key)' => sub { my $env = shift; \($0.value) }," }.joined(separator: "\n")
    return try Site(
      [
        "app.psgi": "use strict; use warnings; my @type = ('Content-Type' => 'text/plain');\n"
          + "my %answers = (\n\(cases)\n);\nsub { $answers{$_[0]{PATH_INFO}}->($_[0]) };\n"
      ].merging(files) { $1 })
  }

  @Test func partsOfAnArrayAreJoined() throws {
    let site = try site([
      "/": "[201, [@type, 'X-One' => 1, 'Set-Cookie' => 'a', 'Set-Cookie' => 'b'], ['ab', '', 'cd']]"
    ])
    try site.serve { server in
      let answer = try server.ask()
      #expect(answer.status == 201)
      #expect(answer.text == "abcd")
      #expect(answer["Content-Length"] == "4")
      #expect(answer["X-One"] == "1")
      #expect(answer.all("Set-Cookie") == ["a", "b"])
      #expect(answer["Date"]?.hasSuffix("GMT") == true)
    }
  }

  @Test func headIsAnsweredLikeGetWithoutTheBody() throws {
    let site = try site(["/": "[200, [@type], ['12345']]", "/length": "[200, [@type, 'Content-Length' => 9], []]"])
    try site.serve { server in
      let connection = try server.connect()
      let answer = try connection.exchange("HEAD")
      #expect(answer.status == 200 && answer["Content-Length"] == "5", "\(answer)")
      #expect(try connection.exchange("HEAD", "/length")["Content-Length"] == "9")
      #expect(try connection.exchange("GET").text == "12345", "nothing of a body was sent")
    }
  }

  @Test func answersWithoutABodyHaveNone() throws {
    let site = try site([
      "/204": "[204, [], []]", "/304": "[304, ['ETag' => 'x'], []]", "/200": "[200, [@type], []]",
    ])
    try site.serve { server in
      let connection = try server.connect()
      for status in [204, 304, 200, 204] {
        let answer = try connection.exchange("GET", "/\(status)")
        #expect(answer.status == status && answer.body.isEmpty, "\(server)")
        if status == 204 { #expect(answer["Content-Length"] == nil && answer["Transfer-Encoding"] == nil) }
      }
    }
  }

  @Test func fileHandlesAreSent() throws {
    let text = String(repeating: "0123456789", count: 300_000)
    let open = "open my $in, '<:raw', 'large.bin' or die;"
    let site = try site(
      [
        "/plain": "\(open) [200, [@type], $in]",
        "/length": "\(open) [200, [@type, 'Content-Length' => -s $in], $in]",
        "/rest": "\(open) read $in, my $skip, 10; [200, [@type], $in]",
        "/memory": "open my $in, '<', \\'from memory' or die; [200, [@type], $in]",
        "/object": "[200, [@type], bless [1 .. 3], 'Lines']",
        "/path": "[200, [@type], bless { path => 'large.bin', lines => [] }, 'Filed']",
        "/gone": "[200, [@type], bless { path => 'gone.bin', lines => ['from ', 'lines'] }, 'Filed']",
        "/dying": "[200, [@type], bless { path => undef, lines => ['from lines'] }, 'Filed']",
        "/closed": "[200, [@type], [$Lines::closed // 0]]",
      ],
      ["large.bin": text])
    try site.edit(
      "app.psgi", "my %answers",
      "sub Lines::getline { shift @{$_[0]} } sub Lines::close { $Lines::closed++ }\n"
        + "sub Filed::path { $_[0]{path} // die } sub Filed::getline { shift @{$_[0]{lines}} } *Filed::close = \\&Lines::close;\n"
        + "my %answers")
    try site.serve(ServerOptions(workers: 1)) { server in
      let connection = try server.connect()
      #expect(try connection.exchange("GET", "/plain").text == text, "\(server)")
      let length = try connection.exchange("GET", "/length")
      #expect(length["Content-Length"] == "\(text.utf8.count)" && length.text == text, "\(server)")
      #expect(try connection.exchange("GET", "/rest").text.utf8.count == text.utf8.count - 10, "\(server)")
      #expect(try connection.exchange("GET", "/memory").text == "from memory", "\(server)")
      #expect(try connection.exchange("GET", "/object").text == "123", "\(server)")
      #expect(try connection.exchange("GET", "/closed").text == "1", "close is called once\n\(server)")
      let file = try connection.exchange("GET", "/path")
      #expect(file["Content-Length"] == "\(text.utf8.count)" && file.text == text, "\(server)")
      #expect(try connection.exchange("GET", "/gone").text == "from lines", "\(server)")
      #expect(try connection.exchange("GET", "/dying").text == "from lines", "\(server)")
      #expect(try connection.exchange("GET", "/closed").text == "4", "\(server)")
    }
  }

  @Test func delayedAnswersAndStreamsArrive() throws {
    let site = try site([
      "/delayed": "sub { $_[0]->([200, [@type], ['later']]) }",
      "/stream": """
      sub { my $w = $_[0]->([200, [@type]]); $w->write('one'); $w->write(''); $w->write('two'); $w->close }
      """,
      "/known": "sub { my $w = $_[0]->([200, [@type, 'Content-Length' => 6]]); $w->write('sixsix'); $w->close }",
    ])
    try site.serve { server in
      let connection = try server.connect()
      #expect(try connection.exchange("GET", "/delayed").text == "later", "\(server)")
      let stream = try connection.exchange("GET", "/stream")
      #expect(stream.text == "onetwo" && stream["Transfer-Encoding"] == "chunked", "\(server)")
      let known = try connection.exchange("GET", "/known")
      #expect(known.text == "sixsix" && known["Transfer-Encoding"] == nil, "\(server)")
      #expect(try connection.exchange("HEAD", "/stream").body.isEmpty)
      #expect(try connection.exchange("GET", "/delayed").text == "later", "the connection serves on\n\(server)")

      let old = try server.connect()
      try old.send("GET /stream HTTP/1.0\r\n\r\n")
      let answer = try old.response()
      #expect(answer.text == "onetwo" && answer["Transfer-Encoding"] == nil, "\(server)")
    }
  }

  @Test func streamIsSentWhileTheApplicationGoesOn() throws {
    let site = try site([
      "/": """
      sub {
        my $w = $_[0]->([200, [@type]]); $w->write('first');
        select undef, undef, undef, 0.01 until -e $env->{HTTP_X_SIGNAL};
        $w->write('second'); $w->close;
      }
      """
    ])
    try site.serve { server in
      let connection = try server.connect()
      try connection.request(headers: ["X-Signal: \(site.notes)/go"])
      #expect(try connection.responseHead().status == 200)
      #expect(try connection.chunk() == Array("first".utf8))
      try site.write(site.notes + "/go", "")
      #expect(try connection.chunk() == Array("second".utf8))
      #expect(try connection.chunk() == nil)
    }
  }

  @Test func clientThatReadsSlowlyHoldsNoWorker() throws {
    let site = try site(["/large": "[200, [@type], ['x' x 20_000_000]]", "/": "[200, [@type], ['small']]"])
    try site.serve(ServerOptions(workers: 1)) { server in
      let slow = try server.connect()
      try slow.request("GET", "/large")
      #expect(try slow.responseHead().status == 200)
      for _ in 0..<5 { #expect(try server.text() == "small", "\(server)") }
      let (another, third) = (try server.connect(), try server.connect())
      try another.request("GET", "/large")
      try third.request("GET", "/large")
      #expect(try server.text() == "small", "\(server)")
      #expect(try another.response().body.count == 20_000_000)
      #expect(try third.response().body.count == 20_000_000)
    }
  }

  /// What an application may do wrong, and what is said about it.
  static let badAnswers: [(answer: String, sentence: String)] = [
    ("undef", "the application returned no PSGI response"), ("'text'", "returned no PSGI response"),
    ("{}", "returned no PSGI response"), ("[]", "returned no PSGI response"), ("[200]", "returned no PSGI response"),
    ("[200, [@type], 'text']", "body is neither an array reference nor a handle nor an object with getline"),
    ("[200, {}, []]", "headers are not an array reference"),
    ("['abc', [@type], []]", "status is not a number from 100 to 999"),
    ("[99, [@type], []]", "status is not a number from 100 to 999"),
    ("[200, ['Odd'], []]", "headers are an odd number of elements"),
    ("[200, [\"A\\nB\" => 1], []]", "header's name is not a valid field name"),
    ("[200, ['A' => \"1\\r\\nB: 2\"], []]", "header's value contains a line end"),
    ("[200, ['A' => \"wide \\x{263A}\"], []]", "a response header contains wide characters"),
    ("[200, [@type], [\"wide \\x{263A}\"]]", "body contains wide characters"),
    ("[200, [@type]]", "the response has two elements"), ("die \"secret reason\\n\"", "secret reason"),
    ("die { an => 'object' }", "HASH("), ("sub { die \"in the callback\\n\" }", "in the callback"),
    ("sub { $_[0]->('text') }", "returned no PSGI response"),
    ("sub { $_[0]->(sub {}) }", "a responder was given a sub"),
    ("sub { 1 }", "ended without calling its responder"),
    ("[200, ['Content-Length' => 'x'], ['abc']]", "Content-Length is not a number of bytes"),
    ("[200, ['Content-Length' => 3, 'Content-Length' => 2], ['abc']]", "two Content-Length headers that differ"),
    ("[200, ['Content-Length' => 5], ['abc']]", "Content-Length is 5, but its body has 3 bytes"),
    ("do { $env->{'psgi.errors'} = undef; die 'lost' }", "died, and psgi.errors cannot print the error"),
  ]

  @Test func badAnswersAre500AndReportedAndTheWorkerServesOn() throws {
    var answers = ["/fine": "[200, [@type], [$$]]"]
    for (number, bad) in Self.badAnswers.enumerated() { answers["/\(number)"] = bad.answer }
    let site = try site(answers)
    try site.serve(ServerOptions(environment: "production", workers: 1)) { server in
      let worker = try server.text("/fine")
      for (number, (bad, sentence)) in Self.badAnswers.enumerated() {
        let before = server.log.utf8.count
        let answer = try server.ask("GET", "/\(number)")
        #expect(answer.status == 500, "\(bad): \(answer)")
        #expect(!answer.text.contains("secret"), "the public is not told why")
        #expect(answer["B"] == nil)
        let isSaid = eventually {
          String(decoding: server.log.utf8.dropFirst(before), as: UTF8.self).contains(sentence)
        }
        #expect(isSaid, "\(sentence) is not reported for \(bad)\n\(server)")
        #expect(try server.text("/fine") == worker, "the worker is another one after \(bad)\n\(server)")
      }
    }
  }

  @Test func responderAndWriterAreOfUseOnce() throws {
    let site = try site([
      "/twice": "sub { my $r = $_[0]; $r->([200, [@type], ['one']]); $r->([200, [@type], ['two']]) }",
      "/late": "sub { my $w = $_[0]->([200, [@type]]); $w->write('one'); $w->close; $w->write('two') }",
    ])
    try site.serve(ServerOptions(environment: "production", workers: 1)) { server throws in
      #expect(try server.text("/twice") == "one", "\(server)")
      #expect(server.logs("this responder has already been called at "), "\(server)")
      #expect(try server.text("/late") == "one", "\(server)")
      #expect(server.logs("the response that this writer belongs to has ended at "), "\(server)")
    }
  }

  @Test func deathInAStreamEndsTheConnectionWithoutTheLastChunk() throws {
    let site = try site([
      "/": "sub { my $w = $_[0]->([200, [@type]]); $w->write('begun'); die \"half way\\n\" }",
      "/fine": "[200, [@type], ['fine']]",
    ])
    try site.serve(ServerOptions(workers: 1)) { server in
      let connection = try server.connect()
      try connection.request()
      #expect(try connection.responseHead().status == 200)
      #expect(throws: Stuck.self) { while try connection.chunk() != nil {} }
      #expect(server.logs("half way"), "\(server)")
      #expect(try server.text("/fine") == "fine")
    }
  }
}
