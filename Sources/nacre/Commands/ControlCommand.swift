import ArgumentParser
import Glibc
import Supervision

/// A command to a running server.
protocol ControlCommand: ParsableCommand {
  /// Which server.
  var server: ServerChoice { get }
  /// Does it; prints what a person wants to read.
  func perform(_ client: ControlClient) throws(CommandError)
}

extension ControlCommand {
  /// Connects and does it.
  func execute() throws(CommandError) { try perform(try server.connect()) }
}

/// The commands to a running server, by name.
enum ControlCommands {
  static let all: [any ControlCommand.Type] = [
    StatusCommand.self, LogCommand.self, WhyCommand.self, ReloadCommand.self, RollBackCommand.self,
    RestartCommand.self, StopCommand.self,
  ]

  /// Takes `-p5000` apart, as for ``ServeOptions``.
  static func unglued(_ arguments: [String]) -> [String] {
    arguments.flatMap { argument in
      argument.hasPrefix("-p") && argument.count > 2 && argument.dropFirst(2).allSatisfy(\.isNumber)
        ? ["-p", String(argument.dropFirst(2))] : [argument]
    }
  }

  /// The command of this name.
  static func named(_ name: String?) -> (any ControlCommand.Type)? {
    all.first { "nacre \(name ?? "")" == $0.configuration.commandName }
  }
}

struct StatusCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre status", abstract: "Show what a running server is at.",
    discussion: "Exit status: 0, or 3 if no server runs.")

  @Flag(help: "As JSON.") var json = false
  @OptionGroup var server: ServerChoice

  func perform(_ client: ControlClient) throws(CommandError) {
    let answer = try client.ask("GET", "/v1/status")
    if json {
      show(answer.body)
    } else {
      let status = try answer.decoded(ControlDocument.Status.self)
      let last = try client.ask("GET", "/v1/generations?last=5").decoded(ControlDocument.Generations.self)
      print(StatusText(status, last.reloads, width: Terminal.width).lines.joined(separator: "\n"))
    }
  }
}

struct ReloadCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre reload", abstract: "Load what has changed, or else renew the workers, and wait for it.",
    discussion: """
      After a roll back this goes on to the code on the disk. Exit status: 0 if the code was promoted, 1 if it was \
      rejected (the running code goes on), 3 if no server runs.
      """)

  @Flag(help: "Start from nothing, with a new perl, whatever the disk says.") var cold = false
  @OptionGroup var server: ServerChoice

  func perform(_ client: ControlClient) throws(CommandError) {
    try tell(client.ask("POST", cold ? "/v1/reload?cold=1" : "/v1/reload"))
  }
}

struct RollBackCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre rollback", abstract: "Go back to the code that ran before, and stay there.",
    discussion: """
      Requests get the older code at once: it is still in memory. It stays until a file changes after that, or until \
      nacre reload. While requests are answered with a failure, this brings back the code that ran before it. A second \
      roll back undoes the first. Exit status: 0, 1 if there is nothing to roll back to, 3 if no server runs.
      """)

  @OptionGroup var server: ServerChoice

  func perform(_ client: ControlClient) throws(CommandError) { try tell(client.ask("POST", "/v1/rollback")) }
}

struct RestartCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre restart",
    abstract: "Replace the server itself by one that is started anew, without losing a request.",
    discussion: """
      For what a reload does not change: nacre itself after an upgrade, its options, the environment. The new server \
      is started with the same command line, from the program that lies there now. When it has loaded the \
      application it takes over the listening sockets and the open connections, and the old one finishes what it has \
      in hand. If the new one cannot serve, the old one goes on. Exit status: 0, 1 if the old one goes on, 3 if no \
      server runs.
      """)

  @OptionGroup var server: ServerChoice

  func perform(_ client: ControlClient) throws(CommandError) {
    let answer = try client.ask("POST", "/v1/restart")
    guard let outcome = try? answer.decoded(ControlDocument.Restarted.self) else {
      throw CommandError(try answer.decoded(ControlDocument.Problem.self).error)
    }
    guard answer.status == 200 else {
      throw CommandError("not restarted: \(outcome.error ?? "")\nThe server goes on (pid \(outcome.pid)).")
    }
    print("restarted: pid \(outcome.pid) serves")
  }
}

struct StopCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre stop", abstract: "Finish the requests in hand, stop the server, and wait for its end.",
    discussion: "Exit status: 0, or 3 if no server runs.")

  @OptionGroup var server: ServerChoice

  func perform(_ client: ControlClient) throws(CommandError) {
    let answer = try client.ask("POST", "/v1/stop")
    let stopping = try answer.decoded(ControlDocument.Stopping.self)
    client.awaitEnd()
    print("stopped (pid \(stopping.pid))")
  }
}

struct WhyCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre why", abstract: "Tell what a change of a file would load again, and who uses it.",
    discussion: "Exit status: 0, or 3 if no server runs.")

  @Argument(help: ArgumentHelp("A file, or a module such as My::App.", valueName: "FILE")) var file: String
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var server: ServerChoice

  func perform(_ client: ControlClient) throws(CommandError) {
    let answer = try client.ask("GET", "/v1/why?file=\(percentEncoded(asked))")
    if json { return show(answer.body) }
    guard answer.status == 200 else { throw CommandError(try answer.decoded(ControlDocument.Problem.self).error) }
    print(WhyText(try answer.decoded(ControlDocument.Why.self)).lines.joined(separator: "\n"))
  }

  /// `My::App` and `strict` stay what they are; everything else is a path.
  private var asked: String {
    let isModule = file.wholeMatch(of: /\w+(::\w+)*/) != nil && access(file, F_OK) != 0
    return isModule ? file : absolutePath(file)
  }
}

struct LogCommand: ControlCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre log", abstract: "Follow what a running server does.",
    discussion: """
      Ends with the server, or with Ctrl-C; after a restart it follows the new server. Exit status: 0, or 3 if no server \
      runs.
      """)

  @Flag(help: "Each event as one line of JSON.") var json = false
  @Option(
    help: ArgumentHelp(
      "Write what took time in the last reloads to FILE (- for here), for Perfetto and chrome://tracing, and end.",
      valueName: "FILE")) var trace: String?
  @OptionGroup var server: ServerChoice

  func perform(_ client: ControlClient) throws(CommandError) {
    if let trace { return try write(client.ask("GET", "/v1/trace").body, to: trace) }
    var client = client
    while try follow(client) {
      // The new server listened before the old one said so.
      guard let next = ControlClient(path: client.path) else { return }
      client = next
    }
  }

  /// Shows what the server tells until it ends; whether another one has taken its place.
  private func follow(_ client: ControlClient) throws(CommandError) -> Bool {
    var isReplaced = false
    // That a reload has begun is news only if its end does not follow at once.
    var beginning: [String] = []
    try client.follow(quietFor: 1000) { (line) throws(CommandError) in
      guard let line else {
        for text in beginning { show(Array((text + "\n").utf8)) }
        beginning = []
        return
      }
      let event = try ControlClient.Answer(status: 200, body: line).decoded(ControlDocument.Event.self)
      isReplaced = event.event == "restarted"
      if json { return show(line + [0x0A]) }
      beginning = event.event == "reload" ? EventText(event).lines : []
      if beginning.isEmpty { for text in EventText(event).lines { show(Array((text + "\n").utf8)) } }
    }
    return isReplaced
  }
}

private func write(_ bytes: [UInt8], to file: String) throws(CommandError) {
  if file == "-" { return show(bytes) }
  guard let stream = fopen(file, "w") else {
    throw CommandError("\(file) cannot be written: \(String(cString: strerror(errno)))")
  }
  let written = fwrite(bytes, 1, bytes.count, stream)
  guard fclose(stream) == 0, written == bytes.count else {
    throw CommandError("\(file) cannot be written: \(String(cString: strerror(errno)))")
  }
  print("\(file): open it at https://ui.perfetto.dev or chrome://tracing")
}

/// Tells how a reload or a roll back went; throws if it was not done.
private func tell(_ answer: ControlClient.Answer) throws(CommandError) {
  guard let outcome = try? answer.decoded(ControlDocument.Outcome.self) else {
    throw CommandError(try answer.decoded(ControlDocument.Problem.self).error)
  }
  let text = OutcomeText(outcome)
  guard answer.status == 200 else { throw CommandError(text.lines.joined(separator: "\n")) }
  print(text.lines.joined(separator: "\n"))
}

private func percentEncoded(_ text: String) -> String {
  var encoded = ""
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
      UInt8(ascii: "/"), UInt8(ascii: ":"):
      encoded.unicodeScalars.append(Unicode.Scalar(byte))
    default:
      let digits = String(byte, radix: 16, uppercase: true)
      encoded += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
    }
  }
  return encoded
}
