import ArgumentParser
import Glibc
import ProcessProtocol
import Supervision

/// What is loaded, and how.
struct LoadOptions: ParsableArguments {
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

  @Option(help: ArgumentHelp("Mount the application at this path, as plackup does.", valueName: "MOUNT"))
  var path: String?

  @Option(
    help: ArgumentHelp(
      "Read options from FILE; off for none. By default nacre.toml beside the application, if it is there.",
      valueName: "FILE|off"))
  var config: String?

  @Argument(help: ArgumentHelp("The PSGI file, or its directory.", valueName: "APP"))
  var app: String?

  func validate() throws {
    guard effectiveEnvironment.wholeMatch(of: /[A-Za-z0-9_.-]+/) != nil else {
      throw ValidationError("-E takes a word such as development or deployment, not '\(effectiveEnvironment)'")
    }
    if let module = modules.first(where: { $0.wholeMatch(of: /-?\w+(::\w+)*(=.*|\s.*)?/) == nil }) {
      throw ValidationError("-M takes a module's name, not '\(module)'")
    }
    if let path, !path.hasPrefix("/") { throw ValidationError("--path takes a path from the root, not '\(path)'") }
    if app != nil, namedApp != nil { throw ValidationError("give the application once: with -a or without") }
  }

  /// `-E`, or what the environment says.
  var effectiveEnvironment: String {
    environment ?? getenv("PLACK_ENV").map { String(cString: $0) } ?? "development"
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

  /// Takes over what needs no look at the disk.
  func fill(_ settings: inout ServerSettings) {
    settings.includeDirectories = includeDirectories
    settings.modules = modules
    settings.environment = effectiveEnvironment
    settings.mountPath = path ?? ""
  }
}
