import ArgumentParser
import Glibc
import Logging
import Supervision

/// The command line: `nacre [serve] ...`, the commands to a running server, and `nacre perl-lib`.
@main
enum Nacre {
  static func main() {
    exit(run(Array(CommandLine.arguments.dropFirst())))
  }

  /// Does what the arguments ask for and returns the exit status: 2 if they are wrong, 1 if something else is.
  private static func run(_ arguments: [String]) -> Int32 {
    if let command = ControlCommands.named(arguments.first) { return control(command, Array(arguments.dropFirst())) }
    do {
      if arguments.first == "perl-lib" {
        _ = try PerlLibOptions.parse(Array(arguments.dropFirst()))
        print(try NacreFiles().perlLibrary())
        return 0
      }
      let serving = Array(arguments.dropFirst(arguments.first == "serve" ? 1 : 0))
      let options = try ServeOptions.parse(ServeOptions.unglued(serving))
      return try serve(options)
    } catch let error as StartupError {
      tell("nacre: \(error)")
      return error.isUsage ? 2 : 1
    } catch {
      if ServeOptions.exitCode(for: error).isSuccess {
        print(helpOrVersion(arguments.first == "perl-lib", error))
        return 0
      }
      tell("nacre: \(ServeOptions.message(for: error)) (nacre --help tells more)")
      return 2
    }
  }

  /// Does a command to a running server: 1 if it cannot be done, 2 if the arguments are wrong, 3 if there is no server.
  private static func control<Command: ControlCommand>(_ type: Command.Type, _ arguments: [String]) -> Int32 {
    do {
      try type.parse(ControlCommands.unglued(arguments)).execute()
      return 0
    } catch let error as CommandError {
      tell("nacre: \(error)")
      return error.status
    } catch {
      if type.exitCode(for: error).isSuccess {
        print(type.fullMessage(for: error))
        return 0
      }
      tell("nacre: \(type.message(for: error)) (\(type.configuration.commandName ?? "nacre") --help tells more)")
      return 2
    }
  }

  private static func helpOrVersion(_ isPerlLib: Bool, _ error: any Error) -> String {
    isPerlLib ? PerlLibOptions.fullMessage(for: error) : ServeOptions.fullMessage(for: error)
  }

  private static func serve(_ options: ServeOptions) throws -> Int32 {
    let application = try options.load.findApplication()
    let perl = try PerlInstallation(asking: options.load.perl)
    let files = NacreFiles()
    var settings = ServerSettings(
      perl: perl, extensionLibrary: try files.extensionLibrary(for: perl), perlLibrary: try files.perlLibrary(),
      application: application.application, applicationName: application.name)
    options.fill(&settings)
    setenv("PLACK_ENV", settings.environment, 1)
    if settings.debugs { try DebuggerSession.prepare() }
    raiseDescriptorLimit()
    let listener = try ListeningSocket(host: options.listen.host, port: options.listen.port)
    do {
      let log = TerminalLog()
      let supervisor = try Supervisor(settings: settings, listener: listener, log: log)
      if let socket = try Supervisor.openControl(settings.control, for: .port(listener.port), log: log) {
        supervisor.control(by: socket)
      }
      return supervisor.run()
    } catch let error as StartupError {
      throw error
    } catch {
      throw StartupError("the server cannot start: \(error).")
    }
  }

  /// Every connection needs a descriptor, so the soft limit becomes the hard one.
  private static func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  private static func tell(_ text: String) {
    let line = Array((text + "\n").utf8)
    _ = write(2, line, line.count)
  }
}
