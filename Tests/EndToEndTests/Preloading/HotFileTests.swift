import Foundation
import Testing

/// What is edited again and again is loaded last.
@Suite(.lane, .slow) struct HotFileTests {
  @Test func thirdEditOfALeafLoadsItAndItsUsersAlone() throws {
    var files = ["app.psgi": Site.app("One::word() . Two::word()", using: "use One; use Two; use Far;")]
    files["lib/One.pm"] = "package One; use Leaf; sub word { 'one ' . Leaf::word() . ' ' } 1;"
    files["lib/Two.pm"] = "package Two; use Deep; sub word { 'two ' . Deep::word() } 1;"
    files["lib/Far.pm"] = "package Far; use Two; 1;"
    files["lib/Leaf.pm"] = "package Leaf; sub word { 0 } 1;"
    files["lib/Deep.pm"] = "package Deep; sub word { 'deep' } 1;"
    let vendor = try VendorSite(files, vendor: ["V.pm": "package V; 1;"])
    try vendor.site.write("lib/Two.pm", "package Two; use V; use Deep; sub word { 'two ' . Deep::word() } 1;")
    try vendor.serve { server in
      for number in 1...2 {
        try vendor.site.write("lib/Leaf.pm", "package Leaf; sub word { \(number) } 1;")
        try vendor.expectFresh(server, "one \(number) two deep")
      }
      #expect(
        try eventually(within: 60) {
          let preload = try server.preload()
          return (preload["hot"] as? [String])?.first?.hasSuffix("lib/Leaf.pm") == true
            && preload["checked"] as? Bool == true
            && preload["examining"] as? Bool == false
        }, "\(server)")
      try vendor.expectFresh(server, "one 2 two deep")
      try vendor.site.write("lib/Leaf.pm", "package Leaf; sub word { 3 } 1;")
      try vendor.expectFresh(server, "one 3 two deep")
      #expect(try server.lastLoaded().map { ($0 as NSString).lastPathComponent } == ["Leaf.pm"])
      // A file that is loaded first now.
      try vendor.site.write("lib/Deep.pm", "package Deep; sub word { 'deeper' } 1;")
      try vendor.expectFresh(server, "one 3 two deeper")
      // The order of the application's own files changes.
      try vendor.site.write("app.psgi", Site.app("Two::word() . One::word()", using: "use Far; use Two; use One;"))
      try vendor.expectFresh(server, "two deeperone 3 ")
    }
  }

  @Test func fileWithoutAPackageIsCompiledIntoThatOfItsUser() throws {
    var files = ["app.psgi": Site.app("Near::word() . Far::word()", using: "use Near; use Far;")]
    files["lib/Near.pm"] = "package Near; require 'util.pl'; sub word { util() . 0 } 1;"
    files["lib/Far.pm"] = "package Far; sub word { 'far' } 1;"
    files["lib/util.pl"] = "sub util { __PACKAGE__ } 1;"
    let vendor = try VendorSite(files, vendor: ["V.pm": "package V; 1;"])
    try vendor.site.write("app.psgi", Site.app("Near::word() . Far::word()", using: "use V; use Near; use Far;"))
    try vendor.serve { server in
      try makeHot(
        vendor, server, { "package Near; require 'util.pl'; sub word { util() . \($0) } 1;" }, { "Near\($0)far" })
      try vendor.site.write("lib/Near.pm", "package Near; require 'util.pl'; sub word { util() . 3 } 1;")
      try vendor.expectFresh(server, "Near3far")
    }
  }

  /// Edits of a file that is loaded first, although the application asks for libraries after it.
  @Test(arguments: [
    ("BEGIN { $SIG{__WARN__} = sub { } } use One; use Two;", "", "CODE 0 0 One Two"),
    ("BEGIN { $One::mode = 5 } use One; use Two;", "", "none 5 0 One Two"),
    ("use Two; use One;", "", "none 0 0 Two One"),
    ("use Other; use One; use Two;", "", "none 0 1 One Two"),
    ("BEGIN { $Late::mode = 7 } use One; use Two;", "7", "none 0 0 One Two"),
  ]) func editOfAFileThatIsLoadedFirst(_ given: (head: String, late: String, seen: String)) throws {
    let app = Site.app(
      "join ' ', $One::handler, $One::mode, $One::other, @Order::order, Near::word(), $Late::seen",
      using: "use First; use Near;")
    let first = "package First; HEAD sub word { 'first' } 1;"
    let vendor = try VendorSite(
      [
        "app.psgi": app, "lib/First.pm": first.replacing("HEAD", with: "use One; use Two;"),
        "lib/Near.pm": "package Near; use Late; sub word { 0 } 1;", "lib/Other.pm": "package Other; 1;",
      ],
      vendor: [
        "One.pm": """
        package One; push @Order::order, 'One'; our $mode //= 0; our $other = exists $INC{'Other.pm'} ? 1 : 0;
        our $handler = ref $SIG{__WARN__} || 'none'; 1;
        """,
        "Two.pm": "package Two; push @Order::order, 'Two'; 1;",
        "Late.pm": "package Late; our $mode; our $seen = $mode // ''; 1;",
      ])
    try vendor.serve { server in
      try makeHot(vendor, server, { "package Near; use Late; sub word { \($0) } 1;" }, { "none 0 0 One Two \($0) " })
      try vendor.site.write("lib/First.pm", first.replacing("HEAD", with: "our $changed; use One; use Two;"))
      try vendor.expectFresh(server, "none 0 0 One Two 2 ")
      #expect(!server.log.contains("loading in natural order"), "\(server)")
      try vendor.site.write("lib/First.pm", first.replacing("HEAD", with: given.head))
      try vendor.expectFresh(server, "\(given.seen) 2 \(given.late)")
      #expect(server.log.contains("loading in natural order"), "\(server)")
    }
  }

  /// Edits `lib/Near.pm` twice, with these contents and answers, until it is loaded last.
  private func makeHot(
    _ vendor: VendorSite, _ server: Server, _ contents: (Int) -> String, _ answer: (Int) -> String
  ) throws {
    for number in 1...2 {
      try vendor.site.write("lib/Near.pm", contents(number))
      try vendor.expectFresh(server, answer(number))
    }
    let hot = try server.settledPreload()["hot"] as? [String]
    #expect(hot?.first?.hasSuffix("lib/Near.pm") == true, "\(server)")
  }
}
