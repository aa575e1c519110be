import ArgumentParser
import ProcessProtocol
import Supervision
import Testing

@testable import nacre

private func parse(_ arguments: String...) throws -> ServeOptions {
  try ServeOptions.parse(ServeOptions.translated(arguments).arguments)
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
  #expect(options.watch.reload == nil)
  #expect(options.watch.trigger == .changes)
  #expect(options.watch.poll == nil)
  #expect(options.processes.checkpoints == 16)
  #expect(options.processes.hold == 30)
  #expect(options.processes.loadTimeout == 60)
  #expect(options.limits.maxHeaderSize == ByteCount(16 * 1024))
  #expect(options.limits.maxBodySize == ByteCount(1 << 30))
  #expect(options.limits.responseBuffer == ByteCount(1 << 30))
  #expect(options.limits.bodyTimeout == 30 && options.limits.sendTimeout == 60)
  #expect(options.limits.maxConnections == 0 && options.limits.maxQueue == 1024)
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

@Test func pollTakesANumberThatMayBeMissing() throws {
  let alone = try parse("--poll", "app.psgi")
  #expect(alone.watch.poll == 1 && alone.load.app == "app.psgi")
  let fraction = try parse("--poll", "0.25", "app.psgi")
  #expect(fraction.watch.poll == 0.25 && fraction.load.app == "app.psgi")
  #expect(try parse("app.psgi", "--poll").watch.poll == 1)
  #expect(try parse("--poll=3", "-w", "4").watch.poll == 3)
  #expect(try parse("--poll", "-w", "4").processes.workers == 4)
  // A number that is the application's name.
  #expect(try parse("--poll", "--", "5").load.app == "5")
}

@Test func aTouchFileImpliesReloadTouch() throws {
  #expect(try parse("--touch-file", "/tmp/t").watch.trigger == .touch(file: "/tmp/t"))
  #expect(try parse("--reload", "touch", "--touch-file", "/tmp/t").watch.trigger == .touch(file: "/tmp/t"))
  #expect(complaint("--reload", "touch")?.contains("--reload touch needs --touch-file PATH") == true)
  #expect(complaint("--reload", "manual", "--touch-file", "t")?.contains("goes with --reload touch") == true)
}

@Test func manualAndOffAreTheSame() throws {
  #expect(try parse("--reload", "manual").watch.trigger == .manual)
  #expect(try parse("--reload", "off").watch.trigger == .manual)
}

@Test func reloadModulesAndDirectoriesAreLists() throws {
  let options = try parse(
    "--reload-modules", "My::* Other", "--reload-modules", "Foo*", "--reload-directories", "/a /b",
    "--reload-directories", "/c")
  #expect(options.watch.reloadModules == ["My::* Other", "Foo*"])
  #expect(options.watch.directories == ["/a", "/b", "/c"])
  #expect(complaint("--reload-modules", "My/App.pm")?.contains("not 'My/App.pm'") == true)
}

@Test func codeMayBeginWithADash() throws {
  #expect(try parse("-e", "-f 'x'; sub { [200, [], []] }").load.code == "-f 'x'; sub { [200, [], []] }")
}

@Test(arguments: [
  ["-w", "0"], ["-w", "251"], ["-w", "many"], ["-p", "70000"], ["-p", "http"], ["--checkpoints", "0"],
  ["--hold", "0"], ["--hold=-1"], ["--load-timeout", "0"], ["-E", ""], ["-E", "a b"], ["-M", "1; system"],
  ["--reload", "sometimes"], ["--poll=0"], ["--poll", "7200"], ["--poll=often"],
  ["--max-header-size", "1023"], ["--max-header-size", "33k"], ["--max-body-size", "1t"], ["--max-body-size", "-1"],
  ["--max-body-size", "k"], ["--max-body-size", "9999999999g"], ["--response-buffer", "1k"], ["--body-timeout", "0"],
  ["--send-timeout", "90000"], ["--max-connections=-1"], ["--max-queue", "0"],
  ["--trusted-proxy", "10.0.0.0/33"], ["--trusted-proxy", "proxy.example"], ["--trusted-proxy", ""],
  ["--proxy-protocol"],
  ["--touch-file", ""], ["--unknown"], ["a.psgi", "b.psgi"], ["-a", "a.psgi", "b.psgi"],
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
    "-I", "-M", "-E", "-o", "-p", "-w", "--watch", "--ignore", "--reload", "--touch-file", "--reload-modules",
    "--reload-directories", "--poll", "--checkpoints", "--hold",
    "--load-timeout", "--destruct", "-d", "--perl", "-e", "-a", "perl-lib",
  ] {
    #expect(help.contains(option))
  }
}

@Test(arguments: [("0", 0), ("512", 512), ("16k", 16384), ("16K", 16384), ("3m", 3 << 20), ("2G", 2 << 30)])
func sizesAreReadWithTheirUnits(text: String, bytes: Int) {
  #expect(ByteCount(argument: text) == ByteCount(bytes))
  #expect(ByteCount(argument: ByteCount(bytes).defaultValueDescription) == ByteCount(bytes))
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

@Test func flagsTakeNoValue() throws {
  let options = try parse("-d", "--destruct", "app.psgi")
  #expect(options.processes.debugger)
  #expect(options.processes.destruct)
  #expect(options.load.app == "app.psgi")
}
