import ArgumentParser
import Glibc
import Logging
import SecureFront
import Supervision

/// The command line: `nacre [serve] ...`, the commands to a running server, and `nacre perl-lib`.
@main
enum Nacre {
  static func main() {
    exit(run(Array(CommandLine.arguments.dropFirst())))
  }

  /// Does what the arguments ask for and returns the exit status: 2 if they are wrong, 1 if something else is.
  private static func run(_ arguments: [String]) -> Int32 {
    if arguments.first == Keeper.argument, let server = arguments.dropFirst().first.flatMap(Int32.init) {
      return Keeper.keep(server)
    }
    if let command = ControlCommands.named(arguments.first) { return control(command, Array(arguments.dropFirst())) }
    let start = StartSurroundings.note()
    let predecessor = Predecessor.take()
    do {
      if arguments.first == "perl-lib" {
        _ = try PerlLibOptions.parse(Array(arguments.dropFirst()))
        print(try NacreFiles().perlLibrary())
        return 0
      }
      if arguments.first == "config" {
        print(try ConfigOptions.parse(Array(arguments.dropFirst())).check())
        return 0
      }
      let serving = Array(arguments.dropFirst(arguments.first == "serve" ? 1 : 0))
      let translation = try ServeOptions.translated(serving)
      let whole = try Configuration.whole(translation.arguments)
      let options = try ServeOptions.parse(whole.arguments)
      if let file = whole.file { tell("nacre: options from \(file)") }
      for note in translation.notes { tell("nacre: \(note)") }
      return try serve(options, start, after: predecessor)
    } catch let error as StartupError {
      tell("nacre: \(error)")
      predecessor?.refuse("\(error)")
      return error.isUsage ? 2 : 1
    } catch {
      if ServeOptions.exitCode(for: error).isSuccess {
        print(helpOrVersion(arguments.first, error))
        return 0
      }
      tell("nacre: \(ServeOptions.message(for: error)) (nacre --help tells more)")
      predecessor?.refuse("\(ServeOptions.message(for: error))")
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

  private static func helpOrVersion(_ command: String?, _ error: any Error) -> String {
    switch command {
    case "perl-lib": PerlLibOptions.fullMessage(for: error)
    case "config": ConfigOptions.fullMessage(for: error)
    default: ServeOptions.fullMessage(for: error)
    }
  }

  private static func serve(
    _ options: ServeOptions, _ start: StartSurroundings, after predecessor: Predecessor?
  ) throws -> Int32 {
    // Before any other program is started: what was handed down is not for it.
    let inherited = try InheritedSockets.take()
    let manager = ServiceManager.take()
    try predecessor?.readOffer()
    let isBesideAnother = inherited.isBesideAnother || predecessor != nil
    let owner = try Account(
      user: options.service.user, group: options.service.group, isAssumed: predecessor != nil)
    let application = try options.load.findApplication()
    let front = try options.tls.front()
    if let warning = front?.warning { tell("nacre: \(warning)") }
    let perl = try PerlInstallation(asking: options.load.perl)
    let files = NacreFiles()
    var settings = ServerSettings(
      perl: perl, extensionLibrary: try files.extensionLibrary(for: perl), perlLibrary: try files.perlLibrary(),
      application: application.application, applicationName: application.name)
    options.fill(&settings)
    setenv("PLACK_ENV", settings.environment, 1)
    if settings.debugs { try DebuggerSession.prepare() }
    raiseDescriptorLimit()
    settings.life.manager = manager
    settings.start = start
    settings.life.predecessor = predecessor
    settings.life.isBesideAnother = isBesideAnother
    if let file = options.service.pid {
      settings.life.pidFile = try PidFile(file, isBesideAnother: isBesideAnother, owner: owner)
    }
    var listeners: [ListeningSocket] = []
    do {
      if let file = options.service.errorLog {
        // Where only root could open it, it is open already.
        do { try append(errorsTo: file, asRootFor: owner) } catch { if predecessor == nil { throw error } }
      }
      if settings.accessLog.hasPrefix("/") { try prepare(accessLog: settings.accessLog, for: owner) }
      Supervisor.holdSignals()
      listeners = try Self.listeners(options, inherited, owner, after: predecessor)
      try owner?.assume()
      let supervisor = try Supervisor(settings: settings, listeners: listeners, log: TerminalLog(), front: front)
      try supervisor.openControl(settings.control, for: ControlPlace.Address(of: listeners))
      if let address = options.control.metrics { try supervisor.openMetrics(ListenAddress(address)) }
      return supervisor.run()
    } catch let error as StartupError {
      for listener in listeners { listener.end() }
      settings.life.pidFile?.discard()
      throw error
    } catch {
      for listener in listeners { listener.end() }
      settings.life.pidFile?.discard()
      throw StartupError("the server cannot start: \(error).")
    }
  }

  /// What was handed down, or else what the options say.
  private static func listeners(
    _ options: ServeOptions, _ inherited: InheritedSockets, _ owner: Account?, after predecessor: Predecessor?
  ) throws -> [ListeningSocket] {
    let doors = try options.listen.doors(hasCertificate: options.tls.files != nil)
    let handedDown = predecessor?.takeInherited() ?? inherited.sockets
    if handedDown.isEmpty {
      let (addresses, settings) = (doors.map(\.address), options.listen.socketSettings(owner: owner))
      let sockets =
        try predecessor?.listen(on: addresses, settings) ?? ListeningSocket.listen(on: addresses, settings)
      return zip(sockets, doors).map { $0.secured($1.isSecure) }
    }
    if !options.listen.listen.isEmpty || options.listen.socket != nil {
      tell("nacre: -l is not used: nacre listens on the sockets that it was started with")
    }
    return handedDown.map { $0.secured(options.tls.files != nil && $0.port != 0) }
  }

  /// Has standard error go to the end of a file.
  private static func append(errorsTo file: String, asRootFor owner: Account?) throws(StartupError) {
    let log = openLog(file, owner)
    guard log >= 0 else { throw StartupError("the error log \(file) cannot be opened: \(reasonForNoLog()).") }
    dup2(log, 2)
    close(log)
  }

  /// The workers open the access log themselves, as the user that they run as.
  private static func prepare(accessLog file: String, for owner: Account?) throws(StartupError) {
    let log = openLog(file, owner)
    guard log >= 0 else { throw StartupError("--access-log \(file): \(reasonForNoLog()).") }
    if let owner { fchown(log, owner.user ?? getuid(), owner.group ?? getgid()) }
    close(log)
  }

  /// Opens a log at its end; -1 with `errno` set if that cannot be. As root for somebody else (`owner`) it follows no
  /// link that is not root's: the directory may be that user's, and the link may lead anywhere.
  private static func openLog(_ file: String, _ owner: Account?) -> Int32 {
    let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY
    let log = open(file, owner == nil ? flags : flags | O_NOFOLLOW, 0o644)
    return log < 0 && errno == ELOOP && isInDirectoryOfRoot(file) ? open(file, flags, 0o644) : log
  }

  private static func reasonForNoLog() -> String {
    errno == ELOOP ? "it is a link, which root does not follow for --user" : String(cString: strerror(errno))
  }

  /// Whether nobody but root can have made the link that `file` is (`/dev/stderr`).
  private static func isInDirectoryOfRoot(_ file: String) -> Bool {
    var status = stat()
    return stat(Configuration.directory(of: absolutePath(file)), &status) == 0 && status.st_uid == 0
      && status.st_mode & 0o022 == 0
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
