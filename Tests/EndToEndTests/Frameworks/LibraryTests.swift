import Testing

/// Where an application finds its modules: Carton's `local/`, local::lib, FindBin.
@Suite(.lane) struct LibraryTests {
  private func dependency(_ word: String) -> String { "package My::Dependency; sub word { '\(word)' } 1;" }

  @Test func modulesInCartonsLocalAreReloaded() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "My::Dependency::word() . ' ' . eval { require My::Late; My::Late::word() }",
        using: "use My::Dependency;"),
      "cpanfile": "requires 'My::Dependency';",
      "cpanfile.snapshot": "# carton snapshot format: version 1.0\nDISTRIBUTIONS\n",
      "local/lib/perl5/My/Dependency.pm": dependency("one"),
      "local/lib/perl5/My/Late.pm": "package My::Late; sub word { 'late' } 1;",
    ])
    let options = ServerOptions(command: ["/usr/bin/carton", "exec", "--", Products.nacre])
    let fresh = ServerOptions(variables: ["PERL5LIB": site.absolute("local/lib/perl5")])
    try site.serve(options) { server in
      for _ in 0..<4 { try server.expectFresh("one late", options: fresh) }
      try site.write("local/lib/perl5/My/Dependency.pm", dependency("two"))
      try server.expectFresh("two late", options: fresh)
      for _ in 0..<4 { #expect(try server.text() == "two late", "\(server)") }
      try site.edit("local/lib/perl5/My/Late.pm", "'late'", "'later'")
      for _ in 0..<4 { try server.expectFresh("two later", options: fresh) }
    }
  }

  @Test func localLibFromTheEnvironmentAndInTheApplication() throws {
    let site = try Site([
      "app.psgi": """
      use FindBin; use local::lib "$FindBin::Bin/extlib";
      use My::Dependency; use My::Other;
      sub { [200, ['Content-Type' => 'text/plain'], [join ' ', My::Dependency::word(), My::Other::word()]] };
      """,
      "extlib/lib/perl5/My/Dependency.pm": dependency("one"),
      "../home/perl5/lib/perl5/My/Other.pm": "package My::Other; sub word { 'other' } 1;",
    ])
    let options = ServerOptions(variables: [
      "PERL5LIB": site.notes + "/home/perl5/lib/perl5", "PERL_LOCAL_LIB_ROOT": site.notes + "/home/perl5",
    ])
    try site.serve(options) { server in
      try server.expectFresh("one other", options: options)
      try site.write("extlib/lib/perl5/My/Dependency.pm", dependency("two"))
      try server.expectFresh("two other", options: options)
      try site.edit("../home/perl5/lib/perl5/My/Other.pm", "'other'", "'another'")
      try server.expectFresh("two another", options: options)
      // The nearer directory comes first.
      try site.write("extlib/lib/perl5/My/Other.pm", "package My::Other; sub word { 'nearer' } 1;")
      try server.expectFresh("two nearer", options: options)
      try site.remove("extlib/lib/perl5/My/Other.pm")
      try server.expectFresh("two another", options: options)
    }
  }

  /// How the application is given, and from where.
  enum Start: String, CaseIterable {
    case relative, fromAnotherDirectory, throughALinkedDirectory, throughALink, absolute

    var application: String {
      switch self {
      case .relative: "app.psgi"
      case .fromAnotherDirectory: "../site/app.psgi"
      case .throughALinkedDirectory: "../current/app.psgi"
      case .throughALink: "../links/app.psgi"
      case .absolute: ""
      }
    }
  }

  @Test(arguments: Start.allCases) func findBinIsWhereAFreshStartFindsIt(start: Start) throws {
    let site = try Site(
      [
        "app.psgi": """
        use strict; use warnings;
        use FindBin; use lib "$FindBin::Bin/lib", "$FindBin::RealBin/lib";
        use My::Dependency;
        use My::Later;
        sub {
          my @found = ($FindBin::Bin, $FindBin::RealBin, $FindBin::Script, $FindBin::RealScript, @My::Later::found);
          [200, ['Content-Type' => 'text/plain'], [join "\\n", My::Dependency::word(), @found]];
        };
        """,
        "lib/My/Dependency.pm": dependency("one"),
        "lib/My/Later.pm": """
        package My::Later;
        use FindBin;
        FindBin->again;
        our @found = ($FindBin::Bin, $0 =~ s{.*/}{}r);
        1;
        """,
        "../links/empty": "", "../elsewhere/empty": "",
      ], include: [])
    try site.link("../current", to: "site")
    try site.link("../links/app.psgi", to: "../site/app.psgi")
    let application = start == .absolute ? site.absolute("app.psgi") : start.application
    // The directory in which nacre starts is another one than the application's, but for the first.
    let directory = start == .relative ? site.path : site.notes + "/elsewhere"
    let options = ServerOptions(application: application, command: ["/usr/bin/env", "-C", directory, Products.nacre])
    let fresh = ServerOptions(
      application: start == .relative || start == .absolute ? application : site.notes + application.dropFirst(2))
    func expectFresh(_ word: String, _ server: Server) throws {
      let answer = try FreshStart.answer(site, path: "/", options: fresh)
      #expect(answer.text.hasPrefix(word + "\n"), "the test expects what a fresh start does not do")
      #expect(try server.text() == answer.text, "\(server)")
    }
    try site.serve(options) { server in
      try expectFresh("one", server)
      try site.edit("lib/My/Dependency.pm", "one", "two")
      try expectFresh("two", server)
      try site.edit("lib/My/Later.pm", "1;", "2;")
      try expectFresh("two", server)
      try site.edit("app.psgi", "My::Dependency::word()", "My::Dependency::word() . '!'")
      try expectFresh("two!", server)
    }
  }
}
