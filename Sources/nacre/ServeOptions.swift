import ArgumentParser
import Supervision

/// The options of `nacre [serve]`, in plackup's and starman's words.
struct ServeOptions: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre",
    abstract: "Serve a PSGI application that is always on its newest code.",
    usage: """
      nacre [serve] [options] [APP]
      nacre status|log|why FILE|reload|rollback|restart|stop [-p PORT]
      nacre config check [FILE]
      nacre perl-lib
      """,
    discussion: """
      APP is a PSGI file, or a directory that holds app.psgi; without it, that is the current directory.

      Edit any file that the application has loaded, save it, and the next request runs the new code. Nacre goes back \
      to a snapshot of the process taken just before the file was loaded and loads forward again, so the result is \
      that of a fresh start. A save that does not compile costs nothing: in development every request is answered \
      with perl's message until the code is good again, in any other environment the running code goes on.

      Signals: TERM and INT stop gracefully (a second INT at once), HUP reloads.

      While it serves, in another terminal (each of these has its own --help):
        nacre status      what runs, since when, and why
        nacre log         follow what happens
        nacre why FILE    what a change of FILE would load again, and who uses it
        nacre reload      load what has changed; --cold from nothing
        nacre rollback    go back to the code that ran before
        nacre restart     replace nacre itself, after an upgrade or for other options
        nacre stop        stop

      Options can also stand in a file nacre.toml beside the application, under their long names: workers = 8. The \
      command line wins; nacre config check [FILE] tells what is wrong with one.

      nacre perl-lib prints the directory of Nacre's own Perl files, for perl -I.
      """,
    version: "nacre 0.1.0")

  @OptionGroup(title: "The application")
  var load: LoadOptions

  @OptionGroup(title: "Listening")
  var listen: ListenOptions

  @OptionGroup(title: "Behind a proxy")
  var proxies: ProxyOptions

  @OptionGroup(title: "Limits")
  var limits: LimitOptions

  @OptionGroup(title: "Logs")
  var logs: LogOptions

  @OptionGroup(title: "TLS and HTTP/2")
  var tls: TLSOptions

  @OptionGroup(title: "Reloading")
  var watch: WatchOptions

  @OptionGroup(title: "Processes")
  var processes: WorkerOptions

  @OptionGroup(title: "Steering")
  var control: ControlOptions

  @OptionGroup(title: "As a service")
  var service: ServiceOptions

  /// The options that take no value; all others do.
  private static let flags = Set(KnownOption.all.filter { $0.value == nil }.flatMap(\.names))
    .union(OtherServersOption.flags)

  /// Takes arguments apart and puts plackup's and starman's words into Nacre's own.
  static func translated(_ arguments: [String]) throws(StartupError) -> OtherServersOption.Translation {
    try OtherServersOption.translate(unglued(arguments), flags: flags)
  }

  /// Takes glued short options apart, as perl programs accept them: `-MFoo=bar` becomes `-M` and `Foo=bar`. The
  /// parser's own joined options stop at the equals sign.
  static func unglued(_ arguments: [String]) -> [String] {
    var separate: [String] = []
    var isValue = false
    for (index, argument) in arguments.enumerated() {
      if argument == "--poll", !isValue {
        // Its value may be missing: what follows is one only if it is a number.
        let value = arguments.dropFirst(index + 1).first.flatMap(Double.init)
        separate.append(value == nil ? "--poll=1" : argument)
        isValue = value != nil
        continue
      }
      if argument == "--", !isValue { return separate + arguments[index...] }
      let isOption = !isValue && argument.count >= 2 && argument.hasPrefix("-")
      if isOption, !argument.hasPrefix("--"), argument.count > 2, !flags.contains(String(argument.prefix(2))) {
        separate += [String(argument.prefix(2)), String(argument.dropFirst(2))]
      } else {
        separate.append(argument)
        isValue = isOption && !flags.contains(argument) && !argument.contains("=")
      }
    }
    return separate
  }

  /// Takes over what needs no look at the disk.
  func fill(_ settings: inout ServerSettings) {
    load.fill(&settings)
    watch.fill(&settings)
    processes.fill(&settings)
    control.fill(&settings)
    listen.fill(&settings)
    proxies.fill(&settings)
    limits.fill(&settings)
    logs.fill(&settings)
    settings.connections.takesHTTP2 = tls.http2Cleartext
  }
}

/// The options of `nacre perl-lib`.
struct PerlLibOptions: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre perl-lib", abstract: "Print the directory of Nacre's own Perl files.")
}
