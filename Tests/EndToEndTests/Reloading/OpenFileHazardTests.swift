import Testing

/// Files, directories and pipes that are open while a checkpoint is left.
@Suite(.lane) struct OpenFileHazardTests {
  private func part(_ word: String) -> String { "package Part; sub word { '\(word)' } 1;" }

  /// Serves an application and edits `lib/Part.pm` three times; the answer is that of a fresh start each time.
  private func expectFreshThreeTimes(
    _ site: Site, log expected: String? = nil, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try site.serve { server in
      for round in 0...3 {
        try site.write("lib/Part.pm", part("v\(round)"))
        // First the server: both may write the same file.
        let answer = try server.text()
        let fresh = try FreshStart.answer(site, path: "/", options: .development).text
        #expect(answer == fresh, "\(server)", sourceLocation: sourceLocation)
      }
      if let expected { #expect(server.logs(expected), "\(server)", sourceLocation: sourceLocation) }
    }
  }

  private func site(_ preamble: String, _ files: [String: String] = [:]) throws -> Site {
    try Site(
      ["app.psgi": Site.app("join ' ', @seen, Part::word()", using: preamble), "lib/Part.pm": part("v0")]
        .merging(files) { $1 })
  }

  @Test func fileReadHalfwayGoesOnWhereItWas() throws {
    let lines = (1...3000).map { "line \($0)\n" }.joined()
    try expectFreshThreeTimes(
      site(
        """
        my @seen; open my $in, '<', 'lines.txt' or die;
        push @seen, scalar <$in> for 1 .. 3;
        require Part;
        push @seen, scalar <$in> for 1 .. 3;
        readline $in for 1 .. 2000;
        push @seen, scalar <$in>, tell $in; chomp @seen;
        """, ["lines.txt": lines]))
  }

  @Test func fileKeptOpenIsReadByEveryWorkerForItself() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "do { seek $in, 0, 0; my $first = <$in>; chomp $first; \"$first \" . Part::word() }",
        using: "open my $in, '<', 'lines.txt' or die; use Part;"),
      "lines.txt": String(repeating: "same line\n", count: 5000), "lib/Part.pm": part("v0"),
    ])
    try site.serve(ServerOptions(workers: 2)) { server in
      for round in 0...3 {
        try site.write("lib/Part.pm", part("v\(round)"))
        for _ in 0..<6 { #expect(try server.text() == "same line v\(round)", "\(server)") }
      }
    }
  }

  /// A longer text is written over the file, then another file with the old content takes its place: what a checkpoint has
  /// open is the first, and perl reads on at the end of what it has.
  @Test func fileThatWasWrittenOverAndReplacedIsReadAsItIsNow() throws {
    let good = Site.app(
      "Part::word() . \" $seen\"", using: "open my $in, '<', 'notes.txt'; my $seen = <$in>; use Part; $seen .= <$in>;")
    let site = try Site([
      "app.psgi": good, "lib/Part.pm": part("v0"), "notes.txt": "one\n" + String(repeating: "-", count: 9000),
    ])
    try site.serve { server in
      for file in ["app.psgi", "notes.txt"] {
        let text = site.read(file)
        try site.write("lib/Part.pm", part("before \(file)"))
        try server.expectFresh(FreshStart.answer(site, path: "/", options: .development).text)
        try site.write(file, "use Missing; \(text)\n# longer than before\n")
        _ = try server.ask()
        try site.replace(file, text)
        _ = try server.ask()
        try site.write("lib/Part.pm", part("after \(file)"))
        try server.expectFresh(FreshStart.answer(site, path: "/", options: .development).text)
      }
    }
  }

  @Test func directoryReadHalfwayGoesOnWhereItWas() throws {
    var files: [String: String] = [:]
    for number in 1...40 { files["many/file\(number)"] = "" }
    try expectFreshThreeTimes(
      site(
        """
        my %seen; opendir my $directory, 'many' or die;
        for (1 .. 10) { $seen{readdir $directory}++ }
        require Part;
        while (defined(my $name = readdir $directory)) { $seen{$name}++ }
        my @seen = map { "$_=$seen{$_}" } sort keys %seen;
        """, files))
  }

  @Test func handlesKeepTheirDescriptorsAndFlags() throws {
    try expectFreshThreeTimes(
      site(
        """
        use Fcntl; my @seen; open my $in, '<', 'data.txt' or die; open my $copy, '<&=', fileno $in or die;
        my $before = fileno $in;
        require Part;
        push @seen, fileno $in == $before ? 'same' : 'moved', fcntl($in, F_GETFD, 0) & FD_CLOEXEC ? 'cloexec' : 'open';
        push @seen, scalar <$in>; chomp @seen;
        """, ["data.txt": "data\n"]))
  }

  @Test func removedFileThatIsStillOpenCanBeRead() throws {
    try expectFreshThreeTimes(
      site(
        """
        use File::Temp; my @seen;
        my ($out, $name) = File::Temp::tempfile(); print $out "kept\\n" x 3000; close $out;
        open my $in, '<', $name or die; unlink $name;
        push @seen, scalar <$in>;
        require Part;
        push @seen, scalar <$in>; chomp @seen;
        """))
  }

  @Test func pipeOpenDuringALoadIsNotSharedByTwoLoads() throws {
    try expectFreshThreeTimes(
      site(
        """
        my @seen; open my $pipe, '-|', 'echo one; echo two; echo three' or die;
        push @seen, scalar <$pipe>;
        require Part;
        push @seen, scalar(<$pipe>), scalar(<$pipe>); close $pipe; push @seen, $?; chomp @seen;
        """), log: "pipe")
  }

  @Test func fileOpenForWritingDuringALoadIsWrittenOnceForEachLoad() throws {
    let site = try site(
      """
      my @seen; open my $out, '>', 'out.data' or die; print $out 'before ';
      require Part;
      print $out Part::word(); close $out;
      open my $in, '<', 'out.data' or die; @seen = <$in>;
      """)
    try expectFreshThreeTimes(site, log: "out.data")
  }

  @Test func logOpenForAppendingDoesNotPreventCheckpoints() throws {
    let site = try site(
      """
      use IO::Handle; my @seen; open my $log, '>>', $ENV{NOTES} or die; $log->autoflush(1);
      BEGIN { open my $loads, '>>', "$ENV{NOTES}.loads" or die; print $loads "load\\n"; }
      print $log "begin\\n";
      require Part;
      print $log Part::word(), "\\n";
      """)
    var options = ServerOptions.development
    options.variables["NOTES"] = site.notes + "/notes"
    try site.serve(options) { server in
      for round in 0...3 {
        try site.write("lib/Part.pm", part("v\(round)"))
        #expect(try server.text() == "v\(round)", "\(server)")
      }
    }
    let loads = contents(of: site.notes + "/notes.loads").split(separator: "\n").count
    #expect(loads <= 2, "most of the four generations were made by rewinds behind the opened log")
    let lines = contents(of: site.notes + "/notes").split(separator: "\n")
    #expect(lines.filter { $0 == "begin" }.count == loads)
    #expect(lines.filter { $0 != "begin" } == ["v0", "v1", "v2", "v3"])
  }

  @Test func programsRunAtLoadAreRunByEachFreshLoad() throws {
    try expectFreshThreeTimes(
      site(
        """
        my @seen = (scalar `echo backticks`, system('true'), $?); chomp @seen;
        require Part;
        push @seen, scalar `echo again`; chomp @seen;
        """))
  }
}
