import ArgumentParser
import Foundation
import Supervision
import Testing

@testable import nacre

/// What `nacre.toml` may say, and how it goes together with the command line.
@Suite struct ConfigurationTests {
  private func read(_ text: String, _ file: String = "/srv/shop/nacre.toml") -> ConfigurationFile {
    ConfigurationFile(file, text)
  }

  /// A value that the parser takes for an option.
  private func sample(_ option: KnownOption) -> String {
    switch (option.key, option.value) {
    case (_, nil): "true"
    case ("env", _): "'production'"
    case ("path", _): "'/shop'"
    case ("listen", _): "['127.0.0.1:80']"
    case ("socket-mode", _): "'660'"
    case ("max-header-size", _), ("response-buffer", _): "'8m'"
    case ("M", _), ("reload-modules", _): "['Foo']"
    case (_, "SECONDS"), (_, "N"), (_, "PORT"): "7"
    case (_, "SIZE"): "'2m'"
    case ("trusted-proxy", _): "['10.0.0.0/8', 'unix:']"
    case ("metrics", _): "'127.0.0.1:9100'"
    // One of a few words.
    case (_, let value?) where value.contains("|"): "'\(value.prefix { $0 != "|" })'"
    default: option.isRepeating ? "['x']" : "'x'"
    }
  }

  /// The table of options and the file are one: whoever declares an option can also write it into the file.
  @Test func everyOptionOfTheCommandLineCanStandInAFile() {
    #expect(KnownOption.settable.count > 40)
    for option in KnownOption.settable where option.key != "max-header-size" {
      // It says nothing without its companion, or forbids it.
      if ["touch-file", "proxy-protocol"].contains(option.key) { continue }
      let file = read("\(option.key) = \(sample(option))")
      #expect(file.problems.isEmpty && file.entries.map(\.option) == [option], "\(option): \(file.problems)")
    }
    #expect(read("max-header-size = '8k'\ntouch-file = 'restart.txt'").problems.isEmpty)
    let helped = ServeOptions.helpMessage(columns: 200)
    for name in KnownOption.all.filter(\.isShown).flatMap(\.names) { #expect(helped.contains(name), "\(name)") }
  }

  @Test func valuesBecomeArguments() throws {
    let file = read(
      """
      # What the shop needs.
      workers = 8
      listen = ["127.0.0.1:5000", "run/app.sock"]
      poll = 0.5
      preload = false
      destruct = true
      I = ["lib", "/opt/lib"]
      """)
    #expect(file.problems.isEmpty)
    #expect(
      file.entries.flatMap(\.arguments) == [
        "--workers=8", "--listen=127.0.0.1:5000", "--listen=unix:/srv/shop/run/app.sock", "--poll=0.5", "--no-preload",
        "--destruct", "-I", "/srv/shop/lib", "-I", "/opt/lib",
      ])
  }

  @Test func relativePathsBeginAtTheFile() {
    let file = read(
      """
      app = "app.psgi"
      pid = "run/app.pid"
      error-log = "/var/log/shop"
      access-log = "-"
      perl = "perl"
      control = "off"
      watch = ["*.sql"]
      path = "/shop"
      """)
    #expect(
      file.entries.flatMap(\.arguments) == [
        "--app=/srv/shop/app.psgi", "--pid=/srv/shop/run/app.pid", "--error-log=/var/log/shop", "--access-log=-",
        "--perl=perl", "--control=off", "--watch=*.sql", "--path=/shop",
      ])
  }

  @Test(arguments: [
    ("workers = 8\nwokers = 9", 2, "there is no option wokers; did you mean workers?"),
    ("max_queue = 9", 1, "there is no option max_queue; did you mean max-queue?"),
    ("w = 9", 1, "there is no option w; it is written workers"),
    ("\nentirely-unknown-thing = 1", 2, "there is no option entirely-unknown-thing; nacre --help lists them all"),
    ("[server]\nworkers = 8", 1, "there are no sections; the options stand in the file as they are"),
    ("# one\nworkers = 'many'", 2, "The value 'many' is invalid for '--workers <N>'"),
    ("workers = 2\nmax-queue = 0\nport = 80", 2, "--max-queue takes 1 to 1000000, not 0"),
    ("workers = [1, 2]", 1, "workers takes one value, not a list"),
    ("destruct = 'yes'", 1, "destruct is true or false"),
    ("pid = 2020-01-01", 1, "pid takes a string or a number"),
    ("port = 80\nreload = 'touch'", 2, "--reload touch needs --touch-file PATH"),
    ("config = 'other.toml'", 1, "there is no option config; nacre --help lists them all"),
  ])
  func mistakesNameTheLineAndTheWayOut(text: String, line: Int, sentence: String) {
    let problems = read(text).problems
    #expect(problems.map(\.line) == [line])
    #expect(problems.map(\.text) == [sentence])
    let end = sentence.hasSuffix("?") ? "" : "."
    #expect(problems.first.map { "\($0)" } == "/srv/shop/nacre.toml line \(line): \(sentence)\(end)")
  }

  @Test func allMistakesAreTold() {
    let file = read("wokers = 9\nport = 70000\nhold = 0\npid = 'x'")
    #expect(file.problems.compactMap(\.line).sorted() == [1, 2, 3])
  }

  @Test func whatIsNotTOMLIsTold() {
    let problem = read("workers = 8\nport == 80\n").problems.first
    #expect(problem?.line == 2)
    #expect(problem?.text.hasPrefix("this is not TOML: ") == true, "\(String(describing: problem))")
    #expect(read("workers = 1\nworkers = 2").problems.first?.line == 2)
  }

  // MARK: Beside the command line

  /// The options of a server whose application lies beside this file.
  private func serve(_ text: String, _ arguments: String...) throws -> ServeOptions {
    let directory = NSTemporaryDirectory() + "nacre-configuration-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try text.write(toFile: directory + "/nacre.toml", atomically: false, encoding: .utf8)
    try "".write(toFile: directory + "/app.psgi", atomically: false, encoding: .utf8)
    let filled = arguments.map { $0.replacingOccurrences(of: "DIRECTORY", with: directory) }
    return try ServeOptions.parse(Configuration.whole(ServeOptions.translated(filled).arguments).arguments)
  }

  @Test(arguments: ["DIRECTORY", "DIRECTORY/app.psgi", "--app=DIRECTORY/app.psgi", "--config=DIRECTORY/nacre.toml"])
  func fileBesideTheApplicationIsFound(argument: String) throws {
    #expect(try serve("workers = 7", argument).processes.workers == 7)
  }

  @Test func withConfigOffThereIsNone() throws {
    #expect(try serve("workers = 7", "--config", "off", "DIRECTORY").processes.workers == 5)
  }

  @Test func theCommandLineWins() throws {
    let text = "workers = 7\nmax-queue = 9\nI = ['a', 'b']\napp = 'other.psgi'"
    let options = try serve(text, "-w", "3", "-Ic", "DIRECTORY/app.psgi")
    #expect(options.processes.workers == 3 && options.limits.maxQueue == 9)
    #expect(options.load.includeDirectories == ["c"])
    #expect(options.load.namedApp == nil && options.load.app?.hasSuffix("/app.psgi") == true)
  }

  @Test func addressOfTheCommandLineTakesThePlaceOfAllAddresses() throws {
    let options = try serve("listen = [':80', 'app.sock']\nhost = '0.0.0.0'", "-p", "8080", "DIRECTORY")
    #expect(options.listen.listen.isEmpty && options.listen.port == 8080 && options.listen.host == "127.0.0.1")
  }

  @Test func wayOfReloadingOfTheCommandLineTakesThePlaceOfTheTouchFile() throws {
    #expect(try serve("touch-file = 'x'", "--reload", "manual", "DIRECTORY").watch.trigger == .manual)
  }

  @Test func missingFileThatIsNamedIsAnError() {
    let sentence = "the configuration /nowhere/x.toml cannot be read: No such file or directory."
    #expect(throws: StartupError(sentence, isUsage: true)) {
      try Configuration.whole(["--config", "/nowhere/x.toml"])
    }
  }

  @Test func valuesOfTheCommandLineAreNoOptions() {
    let given = Configuration.Given(["-e", "--workers", "--pid=a=b", "--", "-x"])
    #expect(given.values == ["e": "--workers", "pid": "a=b"] && given.application == "-x")
  }
}
