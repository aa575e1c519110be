import Foundation
import Glibc
import Testing

/// What leads to a reload, and what does not: `--reload`, `--touch-file`, `--reload-modules`, `--reload-directories`.
@Suite(.lane) struct TriggerTests {
  private func site() throws -> Site {
    try Site(
      [
        "app.psgi": Site.app("join ' ', A::One::answer(), Bee::answer()", using: "use A::One; use Bee;"),
        "lib/A/One.pm": "package A::One; sub answer { 'a0' } 1;", "other/Bee.pm": "package Bee; sub answer { 'b0' } 1;",
      ], include: ["lib", "other"])
  }

  private func saveA(_ site: Site, _ number: Int) throws {
    try site.write("lib/A/One.pm", "package A::One; sub answer { 'a\(number)' } 1;")
  }

  private func saveB(_ site: Site, _ number: Int) throws {
    try site.write("other/Bee.pm", "package Bee; sub answer { 'b\(number)' } 1;")
  }

  /// Gives the server the time in which it would have reloaded, had it wanted to: a look of its own at the disk has
  /// happened since (the events of a save are queued before the save returns).
  private func expectUnmoved(_ server: Server, _ text: String, loc: SourceLocation = #_sourceLocation) throws {
    for _ in 0..<20 {
      #expect(try server.text() == text, "\(server)", sourceLocation: loc)
      usleep(10_000)
    }
    #expect(!server.log.contains("generation 2"), "\(server)", sourceLocation: loc)
  }

  private static let environments = ["development", "production"]

  private func options(_ environment: String, _ arguments: String...) -> ServerOptions {
    var options = ServerOptions(environment: environment)
    options.arguments = arguments
    return options
  }

  /// The next answer in development; the answer that comes in time in production. A fresh start gives the same.
  private func expect(_ server: Server, _ text: String, _ options: ServerOptions) throws {
    if options.environment != "development" {
      #expect(try eventually { try server.text() == text }, "\(server)")
    }
    try server.expectFresh(text, options: options)
  }

  @Test(arguments: environments) func onlyTheNamedModulesTrigger(environment: String) throws {
    let site = try site()
    let options = options(environment, "--reload-modules", "A::* Nobody")
    try site.serve(options) { server in
      #expect(try server.text() == "a0 b0")
      try saveB(site, 1)
      try site.edit("app.psgi", "' '", "'-'")
      try expectUnmoved(server, "a0 b0")
      // A triggered reload takes everything that differs.
      try saveA(site, 1)
      try expect(server, "a1-b1", options)
      try saveB(site, 2)
      #expect(try server.text() == "a1-b1")
      // So does a person's.
      server.process.send(SIGHUP)
      #expect(try eventually { try server.text() == "a1-b2" }, "\(server)")
    }
  }

  @Test(arguments: environments) func onlyTheNamedDirectoriesTrigger(environment: String) throws {
    let site = try site()
    try site.write("lib2/keep", "")
    let options = options(environment, "--reload-directories", "lib")
    try site.serve(options) { server in
      #expect(try server.text() == "a0 b0")
      try saveB(site, 1)
      try expectUnmoved(server, "a0 b0")
      try saveA(site, 1)
      try expect(server, "a1 b1", options)
    }
  }

  @Test func directoriesNarrowTheModules() throws {
    let site = try site()
    let options = options("development", "--reload-directories", "other", "--reload-modules", "A::*")
    try site.serve(options) { server in
      #expect(try server.text() == "a0 b0")
      try saveA(site, 1)
      try saveB(site, 1)
      try expectUnmoved(server, "a0 b0")
    }
  }

  @Test func aFailedReloadIsTriedAgainWhateverFileIsPutRight() throws {
    let site = try site()
    let options = options("development", "--reload-modules", "A::*")
    try site.serve(options) { server in
      #expect(try server.text() == "a0 b0")
      try site.write("other/Bee.pm", "package Bee; sub answer { ")
      try expectUnmoved(server, "a0 b0")
      try saveA(site, 1)
      #expect(try server.ask().status == 500, "\(server)")
      try saveB(site, 1)
      try server.expectFresh("a1 b1", options: options)
      // After that, only the named ones trigger again.
      try saveB(site, 2)
      #expect(try server.text() == "a1 b1", "\(server)")
    }
  }

  @Test(arguments: ["manual", "off"]) func nothingTriggersButADemand(word: String) throws {
    let site = try site()
    try site.serve(options("development", "--reload", word)) { server in
      #expect(try server.text() == "a0 b0")
      try saveA(site, 1)
      try expectUnmoved(server, "a0 b0")
      server.process.send(SIGHUP)
      #expect(try eventually { try server.text() == "a1 b0" }, "\(server)")
    }
  }

  @Test func aFileWhoseNameIsNotUTF8IsNamed() throws {
    let site = try Site([
      "app.psgi": Site.app("$text", using: "open my $in, '<', \"caf\\xe9.txt\" or die $!; my $text = <$in>;")
    ])
    let run = try Command.run(
      ["/bin/sh", "-c", "printf old > \"$(printf 'caf\\351').txt\""], directory: site.path)
    #expect(run.end == .code(0), "\(run.errors)")
    try site.serve { server in
      let text = try server.text()
      #expect(text == "old", "\(server)")
      #expect(server.logs("is not UTF-8, so nacre does not see it change"), "\(server)")
    }
  }

  // MARK: The touch file

  @Test(arguments: environments) func onlyATouchReloads(environment: String) throws {
    let site = try site()
    let options = options(environment, "--reload", "touch", "--touch-file", "reload.txt")
    try site.serve(options) { server in
      #expect(try server.text() == "a0 b0")
      try saveA(site, 1)
      // Missing: nothing is reloaded.
      try expectUnmoved(server, "a0 b0")
      // Created later: it counts.
      try site.write("reload.txt", "")
      try expect(server, "a1 b0", options)
      try saveB(site, 1)
      #expect(try server.text() == "a1 b0", "\(server)")
      try site.setModified("reload.txt", site.modified("reload.txt") + 1)
      try expect(server, "a1 b1", options)
      // Removed, and made again.
      try saveB(site, 2)
      try site.remove("reload.txt")
      #expect(try server.text() == "a1 b1", "\(server)")
      try site.write("reload.txt", "")
      try expect(server, "a1 b2", options)
    }
  }

  @Test func aTouchFileThatListsUnchangedModulesReloadsNothing() throws {
    let site = try site()
    let options = options("development", "--touch-file", "reload.txt", "--poll", "0.2")
    try site.serve(options) { server in
      #expect(try server.text() == "a0 b0")
      try saveB(site, 1)
      try site.write("reload.txt", "A::* Nobody\n")
      #expect(server.logs("lists A::* Nobody: none of that has changed, so nothing is reloaded"), "\(server)")
      try site.write("reload.txt", "A::* lib/A.pm\n")
      #expect(server.logs("lists A::* lib/A.pm (lib/A.pm: no module's name): none of that has changed"), "\(server)")
      try expectUnmoved(server, "a0 b0")
      // One of them has changed: everything that differs is taken.
      try saveA(site, 1)
      try site.write("reload.txt", "A::* Nobody\n")
      try server.expectFresh("a1 b1", options: options)
      // Listed by the touch file, not by the option.
      try saveB(site, 2)
      try site.write("reload.txt", "Bee\nA::One\n")
      try server.expectFresh("a1 b2", options: options)
    }
  }

  @Test func aTouchFileThatIsGoneAtOnceReloadsNothing() throws {
    let site = try site()
    try site.serve(options("development", "--touch-file", "reload.txt")) { server in
      #expect(try server.text() == "a0 b0")
      try saveA(site, 1)
      // Stopped meanwhile, nacre sees both at once.
      server.process.send(SIGSTOP)
      try site.write("reload.txt", "")
      try site.remove("reload.txt")
      server.process.send(SIGCONT)
      try expectUnmoved(server, "a0 b0")
    }
  }

  @Test func aTouchWhileTheCodeIsBrokenTriesAgain() throws {
    let site = try site()
    let options = options("development", "--touch-file", "reload.txt")
    try site.serve(options) { server in
      #expect(try server.text() == "a0 b0")
      try site.write("other/Bee.pm", "package Bee; sub answer { ")
      try site.write("reload.txt", "")
      #expect(try server.ask().status == 500, "\(server)")
      try saveB(site, 1)
      try site.write("reload.txt", "Bee\n")
      try server.expectFresh("a0 b1", options: options)
    }
  }
}
