import Supervision

/// An option that plackup or starman has (or a server that is often run below them), and what Nacre does with it.
struct OtherServersOption: Sendable {
  /// What Nacre does.
  enum Conduct: Sendable {
    /// Nacre has it, too.
    case own
    /// It stands for these, `$` for each word of its value.
    case means([String])
    /// It promises what Nacre always does, and is left out: why.
    case accepted(String)
    /// Nacre does something else instead.
    case refused(String)
    /// The value decides: these (in lower case) are accepted, everything else is refused.
    case depends(accepted: [String: String], refused: String)
  }

  /// Its names: `-s`, `--server`.
  let names: [String]
  /// Whether a value follows.
  let takesValue: Bool
  let conduct: Conduct

  init(_ names: String..., value takesValue: Bool = false, does conduct: Conduct) {
    (self.names, self.takesValue, self.conduct) = (names, takesValue, conduct)
  }

  private static let fixedNumber = "the number of workers does not change while Nacre runs; say it with -w N"
  private static let byItself = "Nacre reloads by itself what has changed"

  /// Every option of plackup (Plack::Runner) and starman, and some of Starlet's and Gazelle's.
  static let all: [OtherServersOption] = [
    // plackup
    .init("-a", "--app", value: true, does: .own), .init("-o", "--host", value: true, does: .own),
    .init("-p", "--port", value: true, does: .own), .init("-S", "--socket", value: true, does: .own),
    .init("-l", "--listen", value: true, does: .own), .init("-E", "--env", value: true, does: .own),
    .init("-e", value: true, does: .own), .init("-I", value: true, does: .own), .init("-M", value: true, does: .own),
    .init("-h", "--help", does: .own), .init("--path", value: true, does: .own),
    .init("--access-log", value: true, does: .own),
    .init("-v", "-V", does: .means(["--version"])),
    .init(
      "-s", "--server", value: true,
      does: .depends(
        accepted: ["nacre": "Nacre is the server"],
        refused: "Nacre is the server itself, and runs no other; leave -s out, or run plackup")),
    .init(
      "-D", "--daemonize",
      does: .refused(
        "Nacre stays in the foreground; have systemd run it, or start-stop-daemon --background, or start it with setsid "
          + "and --error-log FILE")),
    .init("-r", does: .accepted(byItself)),
    .init("-R", "--Reload", value: true, does: .means(["--watch", "$"])),
    .init(
      "-L", "--loader", value: true,
      does: .depends(
        accepted: ["restarter": byItself, "shotgun": "every request runs the newest code in Nacre"],
        refused:
          "Nacre loads the application once and forks its workers from that; what each worker needs of its own is made in "
          + "Nacre->on_worker_start or in the first request")),
    .init("--no-default-middleware", "--nodefault-middleware", does: .accepted("Nacre adds no middleware")),
    .init(
      "--default-middleware",
      does: .refused("Nacre adds no middleware; enable StackTrace, Lint or AccessLog in app.psgi")),

    // starman
    .init("--workers", value: true, does: .own), .init("--backlog", value: true, does: .own),
    .init("--max-requests", value: true, does: .own), .init("--disable-keepalive", does: .own),
    .init("--keepalive-timeout", value: true, does: .own), .init("--read-timeout", value: true, does: .own),
    .init("--user", value: true, does: .own), .init("--group", value: true, does: .own),
    .init("--pid", value: true, does: .own),
    .init("--error-log", value: true, does: .own),
    .init("--preload-app", does: .accepted("the application is always loaded before the workers are forked")),
    .init("--disable-proctitle", does: .accepted("Nacre's processes keep the names that tell them apart")),
    .init("--ssl-cert", "--ssl-cert-file", value: true, does: .means(["--tls-cert", "$"])),
    .init("--ssl-key", "--ssl-key-file", value: true, does: .means(["--tls-key", "$"])),
    .init("--ssl", value: true, does: .means(["--enable-ssl"])), .init("--enable-ssl", does: .own),
    .init("--min-servers", value: true, does: .refused(fixedNumber)),
    .init("--max-servers", value: true, does: .refused(fixedNumber)),
    .init("--min-spare-servers", value: true, does: .refused(fixedNumber)),
    .init("--max-spare-servers", value: true, does: .refused(fixedNumber)),

    // Starlet, Gazelle
    .init("--max-workers", value: true, does: .means(["--workers", "$"])),
    .init("--max-reqs-per-child", value: true, does: .means(["--max-requests", "$"])),
    .init(
      "--min-reqs-per-child", value: true, does: .accepted("--max-requests spreads the workers' ends by itself")),
    .init("--spawn-interval", value: true, does: .accepted("workers are replaced one by one as they leave")),
    .init(
      "--max-keepalive-reqs", value: true, does: .refused("use --disable-keepalive for one request to a connection")),
  ]

  /// The names of those that take no value.
  static let flags = Set(all.filter { !$0.takesValue }.flatMap(\.names))

  /// Finds an option by a name as it was written; words may be joined by `_`, as Plack has it.
  static func named(_ name: String) -> OtherServersOption? {
    if name.hasPrefix("--net-server-") {
      return .init(name, value: true, does: .refused("there is no Net::Server in Nacre; see nacre --help"))
    }
    return all.first { $0.names.contains(name) }
  }
}

extension OtherServersOption {
  /// Arguments in Nacre's own words, and what a person should know about them.
  struct Translation: Equatable {
    var arguments: [String] = []
    var notes: [String] = []
  }

  /// Translates arguments that have been taken apart (``ServeOptions/unglued(_:)``).
  ///
  /// - Parameter flags: Nacre's options without a value.
  static func translate(_ arguments: [String], flags: Set<String>) throws(StartupError) -> Translation {
    var translation = Translation()
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.count > 1, argument.hasPrefix("-"), argument != "--" else {
        translation.arguments.append(argument)
        if argument == "--" { break }
        continue
      }
      let (name, glued) = parts(of: argument)
      if name == "--reload", glued == nil, isPlackups(reloadBefore: rest.first) {
        translation.notes.append("--reload: \(byItself)")
        continue
      }
      guard let option = named(name) else {
        translation.arguments.append(glued.map { "\(name)=\($0)" } ?? name)
        if glued == nil, !flags.contains(name), let value = rest.popFirst() { translation.arguments.append(value) }
        continue
      }
      try option.add(
        name, glued ?? (option.takesValue ? rest.popFirst() : nil), isGlued: glued != nil, to: &translation)
    }
    translation.arguments += rest
    return translation
  }

  /// `--max_requests=5` as `--max-requests` and `5`.
  private static func parts(of argument: String) -> (name: String, value: String?) {
    guard argument.hasPrefix("--") else { return (argument, nil) }
    let words = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(words[0].map { $0 == "_" ? "-" : $0 })
    return (name, words.count > 1 ? String(words[1]) : nil)
  }

  /// Nacre's `--reload` has a value, plackup's has none: there an option, the application or nothing follows.
  private static func isPlackups(reloadBefore next: String?) -> Bool {
    guard let next else { return true }
    return next.hasPrefix("-") || next.contains(".") || next.contains("/")
  }

  private func add(
    _ name: String, _ value: String?, isGlued: Bool, to translation: inout Translation
  ) throws(StartupError) {
    switch conduct {
    case .own:
      if isGlued, let value {
        translation.arguments.append("\(name)=\(value)")
      } else {
        translation.arguments += [name] + (value.map { [$0] } ?? [])
      }
    case .means(let words):
      guard takesValue else { return translation.arguments += words }
      guard let value else { throw StartupError("\(name) needs a value (nacre --help tells more)", isUsage: true) }
      for part in value.split(separator: ",") {
        translation.arguments += words.map { $0 == "$" ? String(part) : $0 }
      }
    case .accepted(let reason): translation.notes.append("\(name): \(reason)")
    case .refused(let reason): throw StartupError("\(name): \(reason).", isUsage: true)
    case .depends(let accepted, let refused):
      guard let reason = accepted[(value ?? "").lowercased()] else {
        throw StartupError("\(name) \(value ?? ""): \(refused).", isUsage: true)
      }
      translation.notes.append("\(name) \(value ?? ""): \(reason)")
    }
  }
}
