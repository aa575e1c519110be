import Foundation
import Glibc
import Testing

/// The command line: how an application is named, and what a person is told who got something wrong.
@Suite(.lane) struct CommandLineTests {
  private let hello = Site.app("'hello'")

  private func nacre(_ arguments: [String], in site: Site) throws -> Command {
    try Command.run([Products.nacre] + arguments, directory: site.path)
  }

  /// The lines that a person reads.
  private func lines(_ text: String) -> [Substring] {
    text.split(separator: "\n").filter { !$0.allSatisfy(\.isWhitespace) }
  }

  @Test(arguments: [nil, ".", "../site", "app.psgi", "./app.psgi"] as [String?])
  func applicationIsFoundByFileOrDirectoryOrNothing(_ name: String?) throws {
    let site = try Site(["app.psgi": hello])
    var options = ServerOptions.development
    options.application = name
    try site.serve(options) { server in
      #expect(try server.text() == "hello", "\(server)")
      try site.write("app.psgi", Site.app("'changed'"))
      #expect(try server.text() == "changed", "\(server)")
    }
  }

  @Test func serveIsTheCommandThatMayBeLeftOut() throws {
    let site = try Site(["app.psgi": hello])
    var options = ServerOptions.development
    options.command += ["serve"]
    try site.serve(options) { server throws in #expect(try server.text() == "hello", "\(server)") }
  }

  @Test func applicationIsGivenWithOptionA() throws {
    let site = try Site(["other.psgi": hello])
    var options = ServerOptions.development
    options.application = nil
    options.arguments = ["-a", "other.psgi"]
    try site.serve(options) { server throws in #expect(try server.text() == "hello", "\(server)") }
  }

  @Test func codeIsGivenWithOptionE() throws {
    let site = try Site(["lib/Part.pm": "package Part; sub word { 'part' } 1;"])
    var options = ServerOptions.development
    options.application = nil
    options.arguments = ["-MPart", "-e", "sub { [200, ['Content-Type' => 'text/plain'], [Part::word()]] }"]
    try site.serve(options) { server in
      #expect(try server.text() == "part", "\(server)")
      try site.write("lib/Part.pm", "package Part; sub word { 'changed' } 1;")
      #expect(try server.text() == "changed", "\(server)")
    }
  }

  @Test func modulesAreUsedBeforeTheApplicationWithTheirArguments() throws {
    let site = try Site([
      "app.psgi": Site.app("\"$Setup::word \" . main->can('dirname')->('/a/b')"),
      "lib/Setup.pm": "package Setup; our $word = 'set'; 1;",
    ])
    var options = ServerOptions.development
    options.arguments = ["-M", "Setup", "-M", "File::Basename=dirname"]
    try site.serve(options) { server in
      #expect(try server.text() == "set /a", "\(server)")
      try site.edit("lib/Setup.pm", "'set'", "'set anew'")
      #expect(try server.text() == "set anew /a", "\(server)")
    }
  }

  @Test(arguments: ["development", "deployment", "production", "test"])
  func environmentIsPlackEnv(_ name: String) throws {
    let site = try Site(["app.psgi": Site.app("$ENV{PLACK_ENV}")])
    try site.serve(ServerOptions(environment: name)) { server throws in #expect(try server.text() == name) }
  }

  @Test func reloadOffServesTheCodeOfTheStart() throws {
    let site = try Site(["app.psgi": Site.app("'one'")])
    var options = ServerOptions.development
    options.arguments = ["--reload", "off"]
    try site.serve(options) { server in
      #expect(try server.text() == "one")
      try site.write("app.psgi", Site.app("'two'"))
      for _ in 0..<5 { #expect(try server.text() == "one", "\(server)") }
    }
  }

  @Test func hangUpReloadsWhatReloadOffLeft() throws {
    let site = try Site(["app.psgi": Site.app("'one'")])
    var options = ServerOptions.development
    options.arguments = ["--reload", "off"]
    try site.serve(options) { server in
      #expect(try server.text() == "one")
      try site.write("app.psgi", Site.app("'two'"))
      server.process.send(SIGHUP)
      #expect(eventually { (try? server.text()) == "two" }, "\(server)")
    }
  }

  @Test func watchedPatternTriggersNewWorkers() throws {
    let site = try Site([
      "app.psgi": Site.app(
        "$kept //= do { open my $in, '<', 'data/words.lst' or die; scalar <$in> }", using: "my $kept;"),
      "data/words.lst": "one",
    ])
    var options = ServerOptions.development
    options.arguments = ["--watch", "data/*.lst"]
    try site.serve(options) { server in
      #expect(try server.text() == "one")
      try site.write("data/words.lst", "two")
      #expect(try server.text() == "two", "\(server)")
    }
  }

  @Test func ignoredPatternTriggersNothingByItself() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word()", using: "use Part; use Noise;"),
      "lib/Part.pm": "package Part; sub word { \"one $Noise::word\" } 1;",
      "lib/Noise.pm": "package Noise; our $word = 'a'; 1;",
    ])
    var options = ServerOptions.development
    options.arguments = ["--ignore", "lib/Noise.pm"]
    try site.serve(options) { server in
      #expect(try server.text() == "one a")
      try site.edit("lib/Noise.pm", "'a'", "'b'")
      #expect(try server.text() == "one a", "\(server)")
      try site.edit("lib/Part.pm", "one", "two")
      #expect(try server.text() == "two b", "a triggered reload takes everything that differs\n\(server)")
    }
  }

  @Test(arguments: [1, 2]) func fewCheckpointsAreEnough(_ count: Int) throws {
    let parts = (1...8).map { "Part\($0)" }
    let site = try Site(
      [
        "app.psgi": Site.app(
          parts.map { "\($0)::word()" }.joined(separator: " . "), using: parts.map { "use \($0);" }.joined())
      ], include: ["lib"])
    for part in parts { try site.write("lib/\(part).pm", "package \(part); sub word { 'a' } 1;") }
    var options = ServerOptions.development
    options.arguments = ["--checkpoints", "\(count)"]
    try site.serve(options) { server in
      for (number, part) in parts.enumerated() {
        try site.write("lib/\(part).pm", "package \(part); sub word { 'b' } 1;")
        let expected = String(repeating: "b", count: number + 1) + String(repeating: "a", count: 7 - number)
        #expect(try server.text() == expected, "\(server)")
      }
    }
  }

  @Test func eachReloadIsOneLineWithGenerationWayFilesAndTime() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word()", using: "use Part;"), "lib/Part.pm": "package Part; sub word { 'one' } 1;",
    ])
    try site.serve { server in
      #expect(try server.text() == "one")
      try site.edit("lib/Part.pm", "one", "two")
      #expect(try server.text() == "two")
      let line = try firstValue { server.log.split(separator: "\n").first { $0.contains("Part.pm") } }
      #expect(line.contains("generation 2"), "\(line)")
      #expect(line.contains("rewind"), "\(line)")
      #expect(line.range(of: #"\d ms"#, options: .regularExpression) != nil, "\(line)")
    }
  }

  @Test func helpNamesEveryOption() throws {
    let help = try nacre(["serve", "--help"], in: Site([:]))
    #expect(help.end == .code(0))
    let options = [
      "-I", "-M", "-E", "-o", "-p", "-w", "--workers", "--watch", "--ignore", "--reload", "--checkpoints", "--hold",
      "--load-timeout", "--perl", "-e", "-a",
    ]
    for option in options { #expect(help.output.contains(option), "\(option)") }
    #expect(try nacre(["--help"], in: Site([:])).end == .code(0))
  }

  @Test func perlLibIsTheDirectoryOfThePerlFiles() throws {
    let told = try nacre(["perl-lib"], in: Site([:]))
    #expect(told.end == .code(0))
    let directory = told.output.trimmingCharacters(in: .newlines)
    #expect(FileManager.default.fileExists(atPath: directory + "/Nacre/Host.pm"), "\(directory)")
  }

  @Test(arguments: [
    ["--no-such-option", "app.psgi"], ["-p", "many", "app.psgi"], ["-p", "70000", "app.psgi"],
    ["--workers", "0", "app.psgi"], ["--reload", "sometimes", "app.psgi"], ["--hold", "-1", "app.psgi"],
    ["app.psgi", "another.psgi"], ["-p"],
  ]) func wrongOptionsAreOneSentenceAndExitCode2(_ arguments: [String]) throws {
    let run = try nacre(arguments, in: Site(["app.psgi": hello, "another.psgi": hello]))
    #expect(run.end == .code(2), "\(run)")
    // The sentence, and where to read more.
    #expect((1...3).contains(lines(run.errors).count), "\(run.errors)")
    let wrong = arguments.first { $0.hasPrefix("-") } ?? "another.psgi"
    #expect(run.errors.contains(wrong.trimmingCharacters(in: ["-"])), "\(run.errors)")
  }

  @Test(arguments: ["missing.psgi", "empty", "/nowhere/at/all.psgi"])
  func missingApplicationIsOneSentence(_ name: String) throws {
    let site = try Site(["empty/.keep": ""])
    let run = try nacre([name], in: site)
    #expect(run.end == .code(1) || run.end == .code(2), "\(run)")
    #expect(lines(run.errors).count == 1, "\(run.errors)")
    #expect(run.errors.contains(name == "empty" ? "app.psgi" : name), "\(run.errors)")
  }

  @Test(.enabled(if: getuid() != 0, "root may read every file")) func unreadableApplicationIsOneSentence() throws {
    let site = try Site(["app.psgi": hello])
    chmod(site.absolute("app.psgi"), 0)
    let run = try nacre(["app.psgi"], in: site)
    #expect(run.end == .code(1) || run.end == .code(2), "\(run)")
    #expect(lines(run.errors).count == 1 && run.errors.contains("app.psgi"), "\(run.errors)")
  }

  @Test func busyPortIsOneSentence() throws {
    let site = try Site(["app.psgi": hello])
    try site.serve { server in
      let run = try nacre(["-o", "127.0.0.1", "-p", "\(server.port)", "app.psgi"], in: site)
      #expect(run.end == .code(1), "\(run)")
      #expect(lines(run.errors).count == 1, "\(run.errors)")
      #expect(run.errors.contains("\(server.port)"), "\(run.errors)")
      #expect(try server.text() == "hello")
    }
  }

  @Test(arguments: ["/nowhere/perl", "/bin/true"]) func perlThatIsNoneIsOneSentence(_ path: String) throws {
    let run = try nacre(["--perl", path, "app.psgi"], in: Site(["app.psgi": hello]))
    #expect(run.end == .code(1) || run.end == .code(2), "\(run)")
    #expect(lines(run.errors).count == 1 && run.errors.contains(path), "\(run.errors)")
  }

  @Test func perlWithoutItsExtensionIsOneSentence() throws {
    // Moved away from everything that was built with it.
    let site = try Site(["app.psgi": hello, "bin/.keep": ""])
    try FileManager.default.copyItem(atPath: Products.nacre, toPath: site.absolute("bin/nacre"))
    let run = try Command.run([site.absolute("bin/nacre"), "app.psgi"], directory: site.path)
    #expect(run.end == .code(1), "\(run)")
    #expect(lines(run.errors).count == 1, "\(run.errors)")
    #expect(run.errors.contains("Nacre"), "\(run.errors)")
  }

  @Test func applicationBrokenAtTheStartEndsProductionWithExitCode1() throws {
    let site = try Site(["app.psgi": "use strict;\ndie 'no database';\n"])
    let run = try nacre(["-E", "production", "-o", "127.0.0.1", "-p", "0", "app.psgi"], in: site)
    #expect(run.end == .code(1), "\(run)")
    #expect(run.errors.contains("no database"), "\(run.errors)")
    #expect(run.errors.range(of: #"app\.psgi\D{1,8}2\b"#, options: .regularExpression) != nil, "\(run.errors)")
  }
}
