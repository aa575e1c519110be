import ArgumentParser
import Glibc
import ProcessProtocol
import Supervision

/// The options of `nacre [serve]`, in plackup's and starman's words.
struct ServeOptions: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre",
    abstract: "Serve a PSGI application that is always on its newest code.",
    usage: "nacre [serve] [options] [APP]\nnacre perl-lib",
    discussion: """
      APP is a PSGI file, or a directory that holds app.psgi; without it, that is the current directory.

      Edit any file that the application has loaded, save it, and the next request runs the new code. Nacre goes back \
      to a snapshot of the process taken just before the file was loaded and loads forward again, so the result is \
      that of a fresh start. A save that does not compile costs nothing: in development every request is answered \
      with perl's message until the code is good again, in any other environment the running code goes on.

      Signals: TERM and INT stop gracefully (a second INT at once), HUP reloads.

      nacre perl-lib prints the directory of Nacre's own Perl files, for perl -I.
      """,
    version: "nacre 0.1.0")

  /// `--reload`.
  enum Reload: String, ExpressibleByArgument, CaseIterable {
    case auto, off
  }

  @Option(
    name: .customShort("I"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Put DIR in front of @INC; may be repeated.", valueName: "DIR"))
  var includeDirectories: [String] = []

  @Option(
    name: .customShort("M"), parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "Use MODULE before the application is loaded (Foo, Foo=bar,baz); may be repeated.", valueName: "MODULE"))
  var modules: [String] = []

  @Option(
    name: [.customShort("E"), .customLong("env")],
    help: ArgumentHelp(
      "PLACK_ENV; development (the default) is development mode, in which requests wait for fresh code.",
      valueName: "ENV"))
  var environment: String?

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("The address to listen on; 0.0.0.0 or :: for all.", valueName: "HOST"))
  var host = "127.0.0.1"

  @Option(
    name: [.customShort("p"), .long],
    help: ArgumentHelp("The port to listen on; 0 for any that is free.", valueName: "PORT"))
  var port: UInt16 = 5000

  @Option(
    name: [.customShort("w"), .long],
    help: ArgumentHelp("The number of worker processes.", valueName: "N"))
  var workers = 5

  @Option(
    help: ArgumentHelp(
      "A file, directory or glob pattern that is watched although the application does not load it; a change means new workers. May be repeated.",
      valueName: "PATTERN"))
  var watch: [String] = []

  @Option(
    help: ArgumentHelp(
      "A file, directory or glob pattern whose changes never lead to a reload. May be repeated.", valueName: "PATTERN"))
  var ignore: [String] = []

  @Option(help: ArgumentHelp("auto, or off to reload on HUP only.", valueName: "auto|off"))
  var reload = Reload.auto

  @Option(help: ArgumentHelp("The most snapshots kept of the application's load.", valueName: "N"))
  var checkpoints = 16

  @Option(help: ArgumentHelp("How long a request may wait for code that is being loaded.", valueName: "SECONDS"))
  var hold = 30

  @Option(help: ArgumentHelp("How long the application may take to load.", valueName: "SECONDS"))
  var loadTimeout = 60

  @Option(help: ArgumentHelp("The perl that runs the application.", valueName: "PATH"))
  var perl = "perl"

  @Option(
    name: .customShort("e"), parsing: .unconditional,
    help: ArgumentHelp("Perl code that returns the application, or the middleware around APP.", valueName: "CODE"))
  var code: String?

  @Option(
    name: [.customShort("a"), .customLong("app")],
    help: ArgumentHelp("The same as APP.", valueName: "APP"))
  var namedApp: String?

  @Argument(help: ArgumentHelp("The PSGI file, or its directory.", valueName: "APP"))
  var app: String?

  /// The short options, all of which take a value.
  private static let shortOptions = Set("IMEopwea")
  private static let longOptions = [
    "--env", "--host", "--port", "--workers", "--watch", "--ignore", "--reload", "--checkpoints", "--hold",
    "--load-timeout", "--perl", "--app",
  ]

  /// Takes glued short options apart, as perl programs accept them: `-MFoo=bar` becomes `-M` and `Foo=bar`. The
  /// parser's own joined options stop at the equals sign.
  static func unglued(_ arguments: [String]) -> [String] {
    var separate: [String] = []
    var isValue = false
    for (index, argument) in arguments.enumerated() {
      if argument == "--", !isValue { return separate + arguments[index...] }
      let isShort = argument.count >= 2 && argument.first == "-" && shortOptions.contains(argument.dropFirst().first!)
      if isValue || !isShort || argument.count == 2 {
        separate.append(argument)
        isValue = !isValue && (isShort || longOptions.contains(argument))
      } else {
        separate += [String(argument.prefix(2)), String(argument.dropFirst(2))]
      }
    }
    return separate
  }

  func validate() throws {
    // The orders to fork them wait in the mold's channel, which holds 278 messages.
    guard (1...250).contains(workers) else { throw ValidationError("-w takes 1 to 250 workers, not \(workers)") }
    guard (1...200).contains(checkpoints) else {
      throw ValidationError("--checkpoints takes a number from 1 to 200, not \(checkpoints)")
    }
    guard (1...86400).contains(hold) else { throw ValidationError("--hold takes 1 to 86400 seconds, not \(hold)") }
    guard (1...86400).contains(loadTimeout) else {
      throw ValidationError("--load-timeout takes 1 to 86400 seconds, not \(loadTimeout)")
    }
    guard effectiveEnvironment.wholeMatch(of: /[A-Za-z0-9_.-]+/) != nil else {
      throw ValidationError("-E takes a word such as development or deployment, not '\(effectiveEnvironment)'")
    }
    if let module = modules.first(where: { $0.wholeMatch(of: /-?\w+(::\w+)*(=.*|\s.*)?/) == nil }) {
      throw ValidationError("-M takes a module's name, not '\(module)'")
    }
    if app != nil, namedApp != nil { throw ValidationError("give the application once: with -a or without") }
  }

  /// `-E`, or what the environment says.
  var effectiveEnvironment: String {
    environment ?? getenv("PLACK_ENV").map { String(cString: $0) } ?? "development"
  }

  /// Takes over what needs no look at the disk.
  func fill(_ settings: inout ServerSettings) {
    settings.includeDirectories = includeDirectories
    settings.modules = modules
    settings.environment = effectiveEnvironment
    settings.workers = workers
    settings.watch = watch
    settings.ignore = ignore
    settings.reloads = reload == .auto
    settings.checkpoints = checkpoints
    settings.hold = hold
    settings.loadTimeout = loadTimeout
  }

  /// Finds the application's file and what to call it.
  func findApplication() throws(StartupError) -> (application: RunSettings.Application, name: String) {
    guard let name = app ?? namedApp else {
      if let code { return (.code(code, file: nil), "-e") }
      return (.file(try ApplicationFile.find(".")), "app.psgi")
    }
    let file = try ApplicationFile.find(name)
    let shown =
      file.hasSuffix("/app.psgi") && !name.hasSuffix("app.psgi")
      ? name + (name.hasSuffix("/") ? "app.psgi" : "/app.psgi") : name
    return (code.map { .code($0, file: file) } ?? .file(file), shown)
  }
}

/// The options of `nacre perl-lib`.
struct PerlLibOptions: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre perl-lib", abstract: "Print the directory of Nacre's own Perl files.")
}
