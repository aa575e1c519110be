import ArgumentParser
import ProcessProtocol
import Supervision
import Testing

@testable import nacre

private func parse(_ arguments: String...) throws -> ServeOptions {
  try ServeOptions.parse(ServeOptions.unglued(arguments))
}

/// What `nacre` would say about these arguments.
private func complaint(_ arguments: String...) -> String? {
  do {
    _ = try ServeOptions.parse(ServeOptions.unglued(arguments))
    return nil
  } catch { return ServeOptions.message(for: error) }
}

@Test func defaultsAreThoseOfTheDocuments() throws {
  let options = try parse()
  #expect(options.listen.host == "127.0.0.1")
  #expect(options.listen.port == 5000)
  #expect(options.processes.workers == 5)
  #expect(options.watch.reload == .auto)
  #expect(options.processes.checkpoints == 16)
  #expect(options.processes.hold == 30)
  #expect(options.processes.loadTimeout == 60)
  #expect(options.load.perl == "perl")
  #expect(options.load.app == nil)
}

@Test func gluedFormsWorkAsInPlackup() throws {
  let options = try parse(
    "-Ilib", "-I", "t/lib", "-MFoo", "-MBar=x,y", "-w4", "-p8080", "-Edeployment", "-M-strict", "app.psgi")
  #expect(options.load.includeDirectories == ["lib", "t/lib"])
  #expect(options.load.modules == ["Foo", "Bar=x,y", "-strict"])
  #expect(options.processes.workers == 4)
  #expect(options.listen.port == 8080)
  #expect(options.load.environment == "deployment")
  #expect(options.load.app == "app.psgi")
}

@Test func optionsMayFollowTheApplication() throws {
  let options = try parse("app.psgi", "--watch", "templates", "--watch", "*.sql", "--ignore", "var", "--reload", "off")
  #expect(options.load.app == "app.psgi")
  #expect(options.watch.watch == ["templates", "*.sql"])
  #expect(options.watch.ignore == ["var"])
  #expect(options.watch.reload == .off)
}

@Test func codeMayBeginWithADash() throws {
  #expect(try parse("-e", "-f 'x'; sub { [200, [], []] }").load.code == "-f 'x'; sub { [200, [], []] }")
}

@Test(arguments: [
  ["-w", "0"], ["-w", "251"], ["-w", "many"], ["-p", "70000"], ["-p", "http"], ["--checkpoints", "0"],
  ["--hold", "0"], ["--hold=-1"], ["--load-timeout", "0"], ["-E", ""], ["-E", "a b"], ["-M", "1; system"],
  ["--reload", "sometimes"], ["--unknown"], ["a.psgi", "b.psgi"], ["-a", "a.psgi", "b.psgi"],
])
func wrongOptionsAreRefused(arguments: [String]) {
  #expect(throws: (any Error).self) { try ServeOptions.parse(ServeOptions.unglued(arguments)) }
}

@Test func refusalsNameTheOptionAndTheValue() {
  #expect(complaint("-w", "0")?.contains("-w takes 1 to 250 workers, not 0") == true)
  #expect(complaint("--unknown")?.contains("--unknown") == true)
}

@Test func helpNamesEveryOption() {
  let help = ServeOptions.helpMessage()
  for option in [
    "-I", "-M", "-E", "-o", "-p", "-w", "--watch", "--ignore", "--reload", "--checkpoints", "--hold",
    "--load-timeout", "--perl", "-e", "-a", "perl-lib",
  ] {
    #expect(help.contains(option))
  }
}

@Test func codeAloneNeedsNoFile() throws {
  let (application, name) = try parse("-e", "sub {}").load.findApplication()
  #expect(application == .code("sub {}", file: nil))
  #expect(name == "-e")
}

@Test func aMissingApplicationIsNamed() {
  #expect(throws: StartupError("the application /nowhere/app.psgi does not exist.")) {
    try parse("/nowhere/app.psgi").load.findApplication()
  }
}
