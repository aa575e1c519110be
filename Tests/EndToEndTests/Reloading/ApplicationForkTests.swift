import Testing

/// Processes that the application forks by itself are its own: they end as they would without Nacre.
@Suite(.lane) struct ApplicationForkTests {
  @Test func childForkedAtLoadGivesItsOutputAndIsNoCandidate() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "$line . Part::word()",
        using: """
          my $pid = open(my $child, '-|') // die; our $line;
          if (!$pid) { require Other; print Other::word(); exit 0 }
          $line = <$child>; close $child; use Part;
          """), "lib/Other.pm": "package Other; sub word { \"from the child \" } 1;",
      "lib/Part.pm": "package Part; sub word { 'one' } 1;",
    ])
    try site.serve { server throws in
      #expect(try server.text() == "from the child one", "\(server)")
      try site.edit("lib/Part.pm", "one", "two")
      #expect(try server.text() == "from the child two", "\(server)")
    }
  }

  @Test func childForkedInARequestNeitherAnswersNorServes() throws {
    let site = try Site([
      "app.psgi": """
      sub {
        my $env = shift;
        my $pid = fork // die;
        if (!$pid) { die "in the child\\n" if $env->{PATH_INFO} eq '/die'; return [200, [], ['the child']] }
        waitpid $pid, 0;
        [200, ['Content-Type' => 'text/plain'], ["the worker, status $?"]];
      };
      """
    ])
    try site.serve(ServerOptions(workers: 1)) { server throws in
      for _ in 0..<5 { #expect(try server.text() == "the worker, status 0", "\(server)") }
      #expect(try server.text("/die") == "the worker, status \(255 << 8)", "\(server)")
    }
  }

  @Test func childForkedInARequestEndsAtSIGTERM() throws {
    let site = try Site([
      "app.psgi": """
      sub {
        my $pid = fork // die;
        if (!$pid) { sleep 1 while 1 }
        kill TERM => $pid;
        waitpid $pid, 0;
        [200, ['Content-Type' => 'text/plain'], [$? & 127]];
      };
      """
    ])
    try site.serve { server throws in #expect(try server.text() == "15", "\(server)") }
  }

  @Test func fileTestsThatLookAgainWorkWhileTheCodeLoads() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "join ' ', @seen",
        using: "our @seen; BEGIN { my $f = 'lines.txt'; @seen = (-f $f && -T _ ? 1 : 0, -T -f $f ? 1 : 0, -s _) }"),
      "lines.txt": "text\n",
    ])
    try site.serve { server in try server.expectFresh("1 1 5") }
  }

  @Test func directoryThatTheLoadMakesSureOfIsStillWatched() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "scalar @found", using: "our @found; BEGIN { mkdir 'plugins'; @found = glob 'plugins/*.pm' }"),
      "plugins/A.pm": "1;",
    ])
    try site.serve { server throws in
      #expect(try server.text() == "1")
      try site.write("plugins/B.pm", "1;")
      #expect(try server.text() == "2", "\(server)")
    }
  }

  @Test func requestEnvironmentMayBeReplacedByTheApplication() throws {
    let site = try Site(["app.psgi": "sub { $_[0] = { %{$_[0]} }; undef $_[0]; [200, [], ['fine']] };"])
    try site.serve { server throws in
      for _ in 0..<20 { #expect(try server.text() == "fine") }
    }
  }

  @Test func errorObjectWhoseTextFailsIsReported() throws {
    let site = try Site([
      "app.psgi": "package Bad; use overload '\"\"' => sub { die 'no text' }, fallback => 1; die bless {}, 'Bad';"
    ])
    try site.serve { server throws in
      let answer = try server.ask(headers: ["Accept: text/plain"])
      #expect(answer.status == 500)
      #expect(answer.text.contains("no text"), "\(answer.text)")
    }
  }
}
