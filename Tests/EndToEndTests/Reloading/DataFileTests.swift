import Glibc
import Testing

/// Files that are not Perl source: configuration, templates, directories that are listed.
@Suite(.lane) struct DataFileTests {
  /// Perl that slurps a file.
  private let slurp = "sub slurp { open my $in, '<', $_[0] or return \"no $_[0]\"; local $/; my $all = <$in>; $all }"

  @Test func configurationReadAtLoadIsReadAnew() throws {
    let site = try Site([
      "app.psgi": Site.app("$configuration", using: "\(slurp) my $configuration = slurp('site.conf');"),
      "site.conf": "colour = red",
    ])
    try site.serve { server in
      try server.expectFresh("colour = red")
      try site.write("site.conf", "colour = blue")
      try server.expectFresh("colour = blue")
      try site.replace("site.conf", "colour = green")
      try server.expectFresh("colour = green")
    }
  }

  // Config::General and many others: the module is one that perl's own start loads.
  @Test func configurationReadThroughIOFileIsReadAnew() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "$all", using: "use IO::File; my $all = join '', IO::File->new('site.conf', 'r')->getlines;"),
      "site.conf": "colour = red",
    ])
    try site.serve { server in
      try server.expectFresh("colour = red")
      try site.write("site.conf", "colour = blue")
      try server.expectFresh("colour = blue")
    }
  }

  @Test func templateThatTheLoadOnlyTestedIsReadAnewByTheWorkers() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "$kept //= slurp('page.tt')", using: "\(slurp) our $kept; die 'no template' if !-f 'page.tt';"),
      "page.tt": "one",
    ])
    try site.serve { server in
      try server.expectFresh("one")
      try site.write("page.tt", "two")
      try server.expectFresh("two")
    }
  }

  @Test func configurationThatIsMissingAtLoadIsReadWhenItAppears() throws {
    let site = try Site([
      "app.psgi": Site.app("$configuration", using: "\(slurp) my $configuration = slurp('etc/a.conf');")
    ])
    try site.serve { server in
      try server.expectFresh("no etc/a.conf")
      try site.write("etc/a.conf", "here")
      try server.expectFresh("here")
      try site.remove("etc/a.conf")
      try server.expectFresh("no etc/a.conf")
    }
  }

  @Test func existenceTestedAtLoadIsTestedAnew() throws {
    let site = try Site(["app.psgi": Site.app("$debug", using: "my $debug = -e 'debug.flag' ? 'debug' : 'quiet';")])
    try site.serve { server in
      try server.expectFresh("quiet")
      try site.write("debug.flag", "")
      try server.expectFresh("debug")
      try site.remove("debug.flag")
      try server.expectFresh("quiet")
    }
  }

  @Test func newFileInAListedDirectoryIsRead() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "$all", using: "\(slurp) my $all = join ' ', map { slurp($_) } sort glob 'conf.d/*.conf';"),
      "conf.d/10-first.conf": "first",
    ])
    try site.serve { server in
      try server.expectFresh("first")
      try site.write("conf.d/20-second.conf", "second")
      try server.expectFresh("first second")
      try site.write("conf.d/10-first.conf", "1st")
      try server.expectFresh("1st second")
      try site.remove("conf.d/10-first.conf")
      try server.expectFresh("second")
    }
  }

  @Test func newModuleInADirectoryOfPluginsIsLoaded() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "join ' ', map { $_->word } @plugins",
        using: """
          my @plugins;
          opendir my $directory, 'lib/Plugin' or die;
          for (sort grep { /\\.pm$/ } readdir $directory) {
            require "Plugin/$_"; push @plugins, 'Plugin::' . s/\\.pm$//r;
          }
          """),
      "lib/Plugin/A.pm": "package Plugin::A; sub word { 'a' } 1;",
    ])
    try site.serve { server in
      try server.expectFresh("a")
      try site.write("lib/Plugin/B.pm", "package Plugin::B; sub word { 'b' } 1;")
      try server.expectFresh("a b")
      try site.write("lib/Plugin/A.pm", "package Plugin::A; sub word { 'A' } 1;")
      try server.expectFresh("A b")
      // A lock of Emacs, which this code takes for a plugin: an error, as at a start, until it has gone.
      let lock = site.absolute("lib/Plugin/.#B.pm")
      symlink("me@here.1:1", lock)
      #expect(try server.text() == "A b", "a lock by itself is no change\n\(server)")
      try site.write("app.psgi", contents(of: site.absolute("app.psgi")) + "# again")
      #expect(try server.ask(headers: ["Accept: text/plain"]).text.contains("Plugin/.#B.pm"), "\(server)")
      unlink(lock)
      try server.expectFresh("A b")
    }
  }

  @Test func templateKeptFromAnEarlierRequestIsReadAnew() throws {
    let site = try Site([
      "app.psgi": Site.app("$kept //= slurp('templates/page.tt')", using: "\(slurp) my $kept;"),
      "templates/page.tt": "old page",
    ])
    try site.serve { server in
      for _ in 0..<4 { #expect(try server.text() == "old page") }
      try site.write("templates/page.tt", "new page")
      for _ in 0..<4 { try server.expectFresh("new page") }
      try site.saveLikeVim("templates/page.tt", "newest page")
      for _ in 0..<4 { try server.expectFresh("newest page") }
    }
  }

  @Test func templateChangeKeepsTheCodeThatIsLoaded() throws {
    let site = try Site([
      "app.psgi": Site.app("$loaded", using: "my $loaded = \"$$ \" . rand;"), "templates/page.html.tt": "old",
    ])
    try site.serve { server in
      let before = try server.text()
      try site.write("templates/page.html.tt", "new")
      #expect(try server.text() == before, "a template needs new workers, not a new load\n\(server)")
    }
  }

  @Test func dataHandleIsReadFromItsBeginningInEveryGeneration() throws {
    let site = try Site([
      "app.psgi": Site.app("Words::all()", using: "use Words;"),
      "lib/Words.pm": """
      package Words;
      use Extra;
      my @words = <DATA>; chomp @words;
      sub all { join ' ', Extra::word(), @words }
      1;
      __DATA__
      one
      two
      """,
      "lib/Extra.pm": "package Extra; sub word { 'x' } 1;",
    ])
    try site.serve { server in
      try server.expectFresh("x one two")
      for round in 1...3 {
        try site.write("lib/Extra.pm", "package Extra; sub word { 'x\(round)' } 1;")
        try server.expectFresh("x\(round) one two")
      }
      try site.edit("lib/Words.pm", "two", "zwei")
      try server.expectFresh("x3 one zwei")
    }
  }

  /// As Catalyst finds its controllers: what was loaded before the directory is listed is not loaded again.
  @Test func pluginsAreLoadedAgainFromWhereTheirDirectoryIsListed() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "$all",
        using: """
          my $stamp = rand;
          select undef, undef, undef, 0.02;
          opendir my $plugins, 'plugins' or die;
          my @files = map { "plugins/$_" } grep { /[.]pl$/ && (stat "plugins/$_")[7] } sort readdir $plugins;
          my $all = join ' ', $stamp, map { do "./$_" } @files;
          """),
      "plugins/a.pl": "'one'",
    ])
    try site.serve { server in
      try site.write("plugins/a.pl", "'two'")
      let words = try server.text().split(separator: " ")
      #expect(words.last == "two")
      for text in ["three", "four"] {
        try site.write("plugins/a.pl", "'\(text)'")
        #expect(try server.text() == "\(words[0]) \(text)")
      }
      try site.write("plugins/b.pl", "'new'")
      #expect(try server.text() == "\(words[0]) four new")
      try site.remove("plugins/a.pl")
      #expect(try server.text() == "\(words[0]) new")
    }
  }
}
