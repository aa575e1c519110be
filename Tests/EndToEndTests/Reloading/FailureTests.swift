import Foundation
import Testing

/// A load that fails costs an error message and nothing else.
@Suite(.lane) struct FailureTests {
  /// The ways in which a load fails here; each stands on line 4 of `lib/Part.pm`.
  enum Fault: CaseIterable, CustomTestStringConvertible {
    case syntaxError, die, exit, endlessLoop, segmentationFault, thread

    var testDescription: String { "\(self)" }

    var statement: String {
      switch self {
      case .syntaxError: "my $x = ;"
      case .die: "die 'no database';"
      case .exit: "exit 3;"
      case .endlessLoop: "while (1) { $Part::turns++ }"
      case .segmentationFault: "kill SEGV => $$;"
      case .thread: "use threads; threads->create(sub { sleep 600 })->detach;"
      }
    }

    /// What the report must say beside the file.
    var told: String {
      switch self {
      case .syntaxError: "syntax error"
      case .die: "no database"
      case .exit: "exit"
      case .endlessLoop: "still loading"
      case .segmentationFault: "SEGV"
      case .thread: "thread"
      }
    }

    var source: String { "package Part;\nsub word { 'broken' }\n\n\(statement)\n1;\n" }
  }

  private func part(_ word: String) -> String { "package Part;\nsub word { '\(word)' }\n1;\n" }

  private func site() throws -> Site {
    try Site([
      "app.psgi": Site.app(
        "Part::word() . ($env->{PATH_INFO} eq '/stamp' ? \" $Whole::stamp\" : '')", using: "use Whole;"),
      "lib/Whole.pm": "package Whole; use Part; our $stamp = \"$$ \" . rand; 1;", "lib/Part.pm": part("good"),
    ])
  }

  private func options(_ base: ServerOptions) -> ServerOptions {
    var options = base
    options.arguments = ["--load-timeout", "1"]
    return options
  }

  /// Whether a text names line 4 of the broken file, in words of its own or of perl's.
  private func namesTheLine(_ text: String) -> Bool {
    text.range(of: #"Part\.pm(:| line | \(line |, line )4\b"#, options: .regularExpression) != nil
  }

  @Test(arguments: Fault.allCases) func developmentAnswersWithTheReportUntilTheCodeIsGood(_ fault: Fault) throws {
    let site = try site()
    try site.serve(options(.development)) { server in
      let before = try server.text("/stamp")
      try site.write("lib/Part.pm", fault.source)
      let plain = try server.ask(headers: ["Accept: text/plain"])
      #expect(plain.status == 500, "\(server)")
      #expect(plain["Content-Type"]?.hasPrefix("text/plain") == true)
      #expect(plain.text.contains("lib/Part.pm"), "\(plain.text)")
      #expect(plain.text.contains(fault.told), "\(plain.text)")
      if fault != .thread { #expect(namesTheLine(plain.text), "\(plain.text)") }
      let page = try server.ask("POST", headers: ["Accept: text/html,*/*;q=0.1"], body: Array("x".utf8))
      #expect(page.status == 500)
      #expect(page["Content-Type"]?.hasPrefix("text/html") == true)
      #expect(page.text.contains("Part.pm"), "\(page.text)")
      #expect(server.logs(fault.told), "\(server)")

      try site.write("lib/Part.pm", part("good"))
      #expect(try server.text("/stamp") == before, "the old content is the running code: no reload\n\(server)")

      try site.write("lib/Part.pm", fault.source)
      #expect(try server.ask().status == 500, "\(server)")
      try site.write("lib/Part.pm", part("better"))
      try server.expectFresh("better")
    }
  }

  @Test(arguments: Fault.allCases) func productionGoesOnWithTheRunningGeneration(_ fault: Fault) throws {
    let site = try site()
    try site.serve(options(.production)) { server in
      let before = try server.text("/stamp")
      try site.write("lib/Part.pm", fault.source)
      let reported = try eventually {
        let answer = try server.text("/stamp")
        #expect(answer == before, "\(server)")
        return server.log.contains(fault.told)
      }
      #expect(reported, "\(server)")
      #expect(server.log.contains("lib/Part.pm"), "\(server)")
      if fault != .thread { #expect(namesTheLine(server.log), "\(server)") }
      for _ in 0..<4 { #expect(try server.text("/stamp") == before, "\(server)") }
      try site.write("lib/Part.pm", part("better"))
      let live = try eventually {
        let answer = try server.text()
        #expect(["good", "better"].contains(answer), "\(server)")
        return answer == "better"
      }
      #expect(live, "\(server)")
    }
  }

  @Test func killInALongLoadNamesTheFileAndTheWayThere() throws {
    let names = (1...80).map { "Part\($0)" }
    var files = [
      "app.psgi": Site.app("Whole::word()", using: "use Whole;"),
      "lib/Whole.pm": "package Whole;\n" + names.map { "use \($0);\n" }.joined() + "sub word { 'good' }\n1;\n",
    ]
    for name in names { files["lib/\(name).pm"] = "package \(name);\n1;\n" }
    let site = try Site(files)
    try site.serve { server in
      #expect(try server.text() == "good", "\(server)")
      try site.write("lib/Part1.pm", "package Part1; our $edited = 1;\n1;\n")
      try site.write("lib/Part77.pm", "package Part77;\nBEGIN { kill KILL => $$ }\n1;\n")
      let answer = try server.ask(headers: ["Accept: text/plain"])
      #expect(answer.status == 500, "\(server)")
      #expect(answer.text.contains(#/Whole\.pm\D+78\b/#), "\(answer.text)")
      #expect(answer.text.contains("Part77.pm"), "\(answer.text)")
      #expect(!answer.text.contains("Part76.pm"), "\(answer.text)")
      try site.write("lib/Part77.pm", "package Part77;\n1;\n")
      try server.expectFresh("good")
    }
  }

  @Test func brokenFromTheStartWaitsForAGoodSaveInDevelopment() throws {
    let site = try site()
    try site.write("lib/Part.pm", Fault.die.source)
    try site.serve { server in
      let answer = try server.ask(headers: ["Accept: text/plain"])
      #expect(answer.status == 500)
      #expect(answer.text.contains("no database"), "\(server)")
      try site.write("lib/Part.pm", part("good"))
      try server.expectFresh("good")
    }
  }

  @Test func errorInTheApplicationFileIsReportedAndLeft() throws {
    let site = try Site(["app.psgi": Site.app("'one'")])
    try site.serve { server in
      #expect(try server.text() == "one")
      try site.write("app.psgi", "use strict;\nuse warnings;\nsub { [200, [], [$undeclared]] };\n")
      let answer = try server.ask(headers: ["Accept: text/plain"])
      #expect(answer.status == 500)
      #expect(answer.text.contains("Global symbol \"$undeclared\""), "\(answer.text)")
      #expect(answer.text.range(of: #"app\.psgi\D{1,8}3\b"#, options: .regularExpression) != nil, "\(answer.text)")
      try site.write("app.psgi", Site.app("'two'"))
      try server.expectFresh("two")
    }
  }

  @Test(arguments: ["1;", "'a string';", "[200, [], []];", "undef;"])
  func fileThatReturnsNoApplicationIsReported(_ source: String) throws {
    let site = try Site(["app.psgi": source])
    try site.serve { server in
      let answer = try server.ask(headers: ["Accept: text/plain"])
      #expect(answer.status == 500)
      #expect(answer.text.contains("app.psgi"), "\(answer.text)")
      try site.write("app.psgi", Site.app("'good'"))
      try server.expectFresh("good")
    }
  }

  @Test func objectThatCanBeCalledIsAnApplication() throws {
    let site = try Site([
      "app.psgi": """
      package Callable;
      use overload fallback => 1, '&{}' => sub { sub { [200, ['Content-Type' => 'text/plain'], ['called']] } };
      bless [], 'Callable';
      """
    ])
    try site.serve { server in try server.expectFresh("called") }
  }

  @Test func messageIsEscapedInThePage() throws {
    let site = try Site(["app.psgi": "die \"<script>alert('x')</script> & so on\\n\";"])
    try site.serve { server in
      let page = try server.ask(headers: ["Accept: text/html"])
      #expect(page.status == 500)
      #expect(!page.text.contains("<script>alert"), "\(page.text)")
      #expect(page.text.contains("&lt;script&gt;"), "\(page.text)")
    }
  }

  @Test func errorFarDownIsReportedWithTheWayThere() throws {
    let site = try Site([
      "app.psgi": Site.app("One::word()", using: "use One;"), "lib/One.pm": "package One;\nuse Two;\n1;\n",
      "lib/Two.pm": "package Two;\n\nuse Three;\n1;\n", "lib/Three.pm": "package Three;\ndie 'too deep';\n",
    ])
    try site.serve { server in
      let text = try server.ask(headers: ["Accept: text/plain"]).text
      for file in ["lib/Three.pm", "lib/Two.pm", "lib/One.pm", "app.psgi"] { #expect(text.contains(file), "\(text)") }
    }
  }

  @Test func errorOvertakenByAnotherSaveIsForgotten() throws {
    let site = try site()
    try site.serve(options(.development)) { server in
      #expect(try server.text() == "good")
      // The request waits for the endless load when the good save arrives.
      try site.write("lib/Part.pm", Fault.endlessLoop.source)
      let waiting = try server.connect()
      try waiting.request()
      try site.write("lib/Part.pm", part("good again"))
      try server.expectFresh("good again")
      #expect([200, 500].contains(try waiting.response().status))
    }
  }

  @Test func moduleThatBreaksInARequestIsThatRequestsErrorOnly() throws {
    let site = try Site([
      "app.psgi": Site.app("$env->{PATH_INFO} eq '/lazy' ? do { require Lazy; Lazy::word() } : 'fine'"),
      "lib/Lazy.pm": "package Lazy;\nsub word { 'lazy'\n1;\n",
    ])
    try site.serve { server in
      #expect(try server.text() == "fine")
      #expect(try server.ask("GET", "/lazy").status == 500)
      #expect(server.logs("Lazy.pm"), "\(server)")
      #expect(try server.text() == "fine", "\(server)")
      try site.write("lib/Lazy.pm", "package Lazy; sub word { 'lazy' } 1;")
      try server.expectFresh("lazy", at: "/lazy")
    }
  }

  @Test func requestsWaitNoLongerThanHoldAndGet503() throws {
    let site = try site()
    var options = ServerOptions.development
    options.arguments = ["--load-timeout", "60", "--hold", "1"]
    try site.serve(options) { server in
      #expect(try server.text() == "good")
      try site.write("lib/Part.pm", Fault.endlessLoop.source)
      let answer = try server.ask()
      #expect(answer.status == 503, "\(server)")
      #expect(answer["Retry-After"] != nil)
      try site.write("lib/Part.pm", part("better"))
      try server.expectFresh("better")
    }
  }
}
