import Foundation
import Testing

/// An edit after which a library that is loaded first would not be what it is when the application loads it.
@Suite(.lane, .slow) struct GuardTests {
  /// What the application does before it uses the library; what the library looks at; what comes of it.
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var preamble: String
    var looks: String
    var before = "nothing"
    var after: String
    var testDescription: String { name }
  }

  static let cases = [
    Case(name: "ENV", preamble: "BEGIN { $ENV{MODE} = 'loud' }", looks: "$ENV{MODE}", after: "loud"),
    Case(name: "ARGV", preamble: "BEGIN { @ARGV = 'loud' }", looks: "$ARGV[0]", after: "loud"),
    Case(name: "@INC", preamble: "use lib 'other';", looks: "grep({ $_ eq 'other' } @INC) && 'other'", after: "other"),
    Case(
      name: "SIG", preamble: "BEGIN { $SIG{__DIE__} = sub { } }", looks: "$SIG{__DIE__} && 'handler'", after: "handler"),
    Case(name: "a signal", preamble: "BEGIN { $SIG{USR1} = 'IGNORE' }", looks: "$SIG{USR1}", after: "IGNORE"),
    Case(name: "$^W", preamble: "BEGIN { $^W = 1 }", looks: "$^W && 'warns'", after: "warns"),
    Case(name: "$/", preamble: "BEGIN { $/ = 'x' }", looks: "$/ ne \"\\n\" && 'slash'", after: "slash"),
    Case(
      name: "the library's variable", preamble: "BEGIN { $Lib::debug = 'debug' }", looks: "our $debug", after: "debug"),
    Case(
      name: "the library's list", preamble: "BEGIN { push @Lib::hooks, 'hook' }", looks: "our @hooks && $hooks[0]",
      after: "hook"),
    Case(
      name: "deep in the library's hash", preamble: "BEGIN { $Lib::options{a}{b} = 'deep' }",
      looks: "our %options && $options{a}{b}", after: "deep"),
    Case(
      name: "the application's variable", preamble: "BEGIN { $App::Settings::mode = 'set' }",
      looks: "$App::Settings::mode",
      after: "set"),
    Case(
      name: "the application's sub", preamble: "sub App::Settings::mode { 'sub' }",
      looks: "defined &App::Settings::mode && App::Settings::mode()", after: "sub"),
    Case(
      name: "another library's variable", preamble: "use First; BEGIN { $First::level = 'high' }",
      looks: "$First::level",
      after: "high"),
    Case(
      name: "CORE::GLOBAL", preamble: "BEGIN { *CORE::GLOBAL::hex = sub { 'mine' } }", looks: "hex('0') || 0",
      after: "mine"),
    Case(
      name: "UNIVERSAL", preamble: "BEGIN { *UNIVERSAL::mood = sub { 'any' } }",
      looks: "Lib->can('mood') && Lib->mood", after: "any"),
    Case(name: "umask", preamble: "BEGIN { umask 077 }", looks: "umask == 077 && 'private'", after: "private"),
    Case(
      name: "locale",
      preamble: """
        use POSIX ();
        BEGIN { my $l = POSIX::LC_ALL(); POSIX::setlocale($l, POSIX::setlocale($l) eq 'C' ? 'C.UTF-8' : 'C') }
        """,
      looks: """
        do { require POSIX; my $given = $ENV{LC_ALL} || $ENV{LC_CTYPE} || $ENV{LANG} || 'C';
        POSIX::setlocale(POSIX::LC_ALL()) ne $given && 'another' }
        """, after: "another"),
    Case(
      name: "prototype", preamble: "sub Lib::size($);", looks: "defined prototype(\\&Lib::size) && 'declared'",
      after: "declared"),
    Case(
      name: "a package that is not ASCII", preamble: "use utf8; BEGIN { $Größe::mode = 'set' }",
      looks: "do { use utf8; $Größe::mode }", after: "set"),
    Case(name: "$|", preamble: "BEGIN { $| = 1 }", looks: "$| && 'at once'", after: "at once"),
    Case(
      name: "the selected handle", preamble: "BEGIN { select STDERR }", looks: "select() =~ /ERR/ && 'errors'",
      after: "errors"),
    Case(name: "the directory", preamble: "BEGIN { chdir 'lib' }", looks: "-e 'Mark' && 'inside'", after: "inside"),
  ]

  private func app(_ preamble: String) -> String {
    Site.app("Lib::seen()", using: "\(preamble)\nuse First; use Lib;")
  }

  @Test(arguments: cases) func changedStateLeadsToTheNaturalOrder(_ given: Case) throws {
    let vendor = try VendorSite(
      ["app.psgi": app(""), "lib/Mark": ""],
      vendor: [
        "First.pm": "package First; our $level; 1;",
        "Lib.pm": "package Lib; our $seen = \(given.looks); $seen ||= 'nothing'; sub seen { $seen } 1;",
      ])
    try vendor.serve { server in
      try vendor.expectFresh(server, given.before)
      try vendor.site.write("app.psgi", app(given.preamble))
      try vendor.expectFresh(server, given.after)
      #expect(server.log.contains("loading in natural order"), "\(server)")
      // And back.
      try vendor.site.write("app.psgi", app(""))
      try vendor.expectFresh(server, given.before)
    }
  }

  @Test func shadowingFileIsFound() throws {
    let vendor = try VendorSite(
      ["app.psgi": app(""), "lib/Other.pm": "1;"],
      vendor: [
        "First.pm": "package First; 1;", "Lib.pm": "package Lib; use Part; sub seen { Part::part() } 1;",
        "Part.pm": "package Part; sub part { 'vendor' } 1;",
      ])
    try vendor.serve { server in
      try vendor.expectFresh(server, "vendor")
      // Asked for by the library alone.
      try vendor.site.write("lib/Part.pm", "package Part; sub part { 'mine' } 1;")
      try vendor.expectFresh(server, "mine")
      try vendor.site.write("lib/Lib.pm", "package Lib; sub seen { 'all mine' } 1;")
      try vendor.expectFresh(server, "all mine")
      try vendor.site.remove("lib/Lib.pm")
      try vendor.expectFresh(server, "mine")
      try vendor.site.remove("lib/Part.pm")
      try vendor.expectFresh(server, "vendor")
    }
  }

  @Test func libraryThatIsNotAskedForAnyMoreIsGone() throws {
    func text(_ use: String) -> String { Site.app("join ',', grep { /^(First|Lib)/ } sort keys %INC", using: use) }
    let vendor = try VendorSite(
      ["app.psgi": text("use First; use Lib;")],
      vendor: ["First.pm": "package First; 1;", "Lib.pm": "package Lib; 1;"])
    try vendor.serve { server in
      try vendor.expectFresh(server, "First.pm,Lib.pm")
      try vendor.site.write("app.psgi", text("use Lib;"))
      try vendor.expectFresh(server, "Lib.pm")
      try vendor.site.write("app.psgi", text(""))
      try vendor.expectFresh(server, "")
    }
  }

  @Test func librariesAreLoadedInTheOrderInWhichTheyAreAskedFor() throws {
    func text(_ use: String) -> String { Site.app("\"@Order::order\"", using: use) }
    let vendor = try VendorSite(
      ["app.psgi": text("use First; use Lib;")],
      vendor: [
        "First.pm": "package First; push @Order::order, 'First'; 1;",
        "Lib.pm": "package Lib; push @Order::order, 'Lib'; 1;",
      ])
    try vendor.serve { server in
      try vendor.expectFresh(server, "First Lib")
      try vendor.site.write("app.psgi", text("use Lib; use First;"))
      try vendor.expectFresh(server, "Lib First")
    }
  }

  @Test func endBlocksRunInTheNaturalOrder() throws {
    let end = "END { open my $f, '>>', $ENV{ENDS}; print $f "
    func text(_ preamble: String) -> String { Site.app("'x'", using: "\(preamble)\nuse Lib;") }
    var vendor = try VendorSite(
      ["app.psgi": text("")], vendor: ["Lib.pm": "package Lib; \(end) 'lib ' } 1;"])
    let ends = vendor.site.notes + "/ends"
    vendor.options.variables["ENDS"] = ends
    vendor.options.workers = 1
    try vendor.serve { server in
      try vendor.site.write("app.psgi", text("\(end) 'app ' }"))
      #expect(try server.text() == "x")
      try vendor.site.write(ends, "")
      _ = try server.nacre("reload", "-p", "\(server.port)")
      // The last block that was compiled runs first.
      #expect(eventually { vendor.site.read(ends).contains("lib app") }, "\(vendor.site.read(ends)) \(server)")
    }
  }
}
