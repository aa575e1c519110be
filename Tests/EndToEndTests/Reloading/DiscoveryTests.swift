import Testing

/// Files that come, go, or are found elsewhere.
@Suite(.lane) struct DiscoveryTests {
  @Test func deletedOptionalFileIsMissedOnTheNextRequest() throws {
    let site = try Site([
      "app.psgi": Site.app("$extra", using: "my $extra = eval { require Extra; Extra::word() } || 'plain';"),
      "lib/Extra.pm": "package Extra; sub word { 'extra' } 1;",
    ])
    try site.serve { server in
      try server.expectFresh("extra")
      try site.remove("lib/Extra.pm")
      try server.expectFresh("plain")
      try site.write("lib/Extra.pm", "package Extra; sub word { 'back' } 1;")
      try server.expectFresh("back")
    }
  }

  @Test func deletedNeededFileIsAnErrorUntilItIsBack() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word()", using: "use Part;"), "lib/Part.pm": "package Part; sub word { 'part' } 1;",
    ])
    try site.serve { server in
      try server.expectFresh("part")
      try site.remove("lib/Part.pm")
      let answer = try server.ask(headers: ["Accept: text/plain"])
      #expect(answer.status == 500)
      #expect(answer.text.contains("Can't locate Part.pm in @INC"), "\(server)")
      #expect(answer.text.contains("app.psgi"), "\(server)")
      try site.write("lib/Part.pm", "package Part; sub word { 'again' } 1;")
      try server.expectFresh("again")
    }
  }

  @Test func newFileShadowsAnotherFurtherBackInINC() throws {
    let site = try Site(
      [
        "app.psgi": Site.app("Part::word()", using: "use Part;"), "first/.keep": "",
        "second/Part.pm": "package Part; sub word { 'second' } 1;",
      ], include: ["first", "second"])
    try site.serve { server in
      try server.expectFresh("second")
      try site.write("first/Part.pm", "package Part; sub word { 'first' } 1;")
      try server.expectFresh("first")
      try site.remove("first/Part.pm")
      try server.expectFresh("second")
    }
  }

  @Test func newFileShadowsAModuleOfTheSystem() throws {
    let site = try Site([
      "app.psgi": Site.app("Text::Tabs->can('mine') ? 'mine' : 'system'", using: "use Text::Tabs ();"),
      "lib/.keep": "",
    ])
    try site.serve { server in
      try server.expectFresh("system")
      try site.write("lib/Text/Tabs.pm", "package Text::Tabs; sub mine { 1 } 1;")
      try server.expectFresh("mine")
    }
  }

  @Test func optionalModuleThatAppearsIsLoaded() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "$word", using: "my $word = eval { require Some::Deep::Option; Some::Deep::Option::word() } || 'without';"),
      "lib/.keep": "",
    ])
    try site.serve { server in
      try server.expectFresh("without")
      // Two directories that do not exist yet lie on the way.
      try site.write("lib/Some/Deep/Option.pm", "package Some::Deep::Option; sub word { 'with' } 1;")
      try server.expectFresh("with")
      try site.remove("lib/Some")
      try server.expectFresh("without")
    }
  }

  @Test func optionalModuleThatAppearsInADirectoryMovedIntoPlaceIsLoaded() throws {
    let site = try Site([
      "app.psgi": Site.app("$word", using: "my $word = eval { require Late::Word; Late::Word::word() } || 'without';"),
      "lib/.keep": "", "unpacked/Late/Word.pm": "package Late::Word; sub word { 'with' } 1;",
    ])
    try site.serve { server in
      try server.expectFresh("without")
      try site.rename("unpacked/Late", to: "lib/Late")
      try server.expectFresh("with")
    }
  }

  @Test func relativeINCEntryIsFoundAfterChdir() throws {
    let site = try Site(
      [
        "app.psgi": Site.app("Part::word()", using: "use lib 'own'; use Part; chdir '/' or die;"),
        "own/Part.pm": "package Part; use Piece; sub word { 'one ' . Piece::word() } 1;",
        "own/Piece.pm": "package Piece; sub word { 'piece' } 1;",
      ])
    try site.serve { server in
      try server.expectFresh("one piece")
      for round in 1...3 {
        try site.write("own/Piece.pm", "package Piece; sub word { 'piece \(round)' } 1;")
        try server.expectFresh("one piece \(round)")
      }
      try site.edit("own/Part.pm", "'one '", "'two '")
      try server.expectFresh("two piece 3")
    }
  }

  @Test func relativeINCEntryUsedInARequestAfterChdirIsWatchedWhereItLay() throws {
    let site = try Site(
      [
        "app.psgi": Site.app("do { require Part; Part::word() }", using: "use lib 'lib'; chdir 'elsewhere' or die;"),
        "elsewhere/lib/Part.pm": "package Part; sub word { 'elsewhere' } 1;",
        "lib/Part.pm": "package Part; sub word { 'here' } 1;",
      ], include: [])
    try site.serve { server in
      try server.expectFresh("elsewhere")
      try site.write("elsewhere/lib/Part.pm", "package Part; sub word { 'new' } 1;")
      try server.expectFresh("new")
    }
  }

  @Test func directoryAddedToINCAtRunTimeIsWatched() throws {
    let site = try Site([
      "app.psgi": Site.app("Plug::word()", using: "require lib; lib->import('plugins'); require Plug;"),
      "plugins/Plug.pm": "package Plug; sub word { 'one' } 1;",
    ])
    try site.serve { server in
      try server.expectFresh("one")
      try site.write("plugins/Plug.pm", "package Plug; sub word { 'two' } 1;")
      try server.expectFresh("two")
    }
  }
}
