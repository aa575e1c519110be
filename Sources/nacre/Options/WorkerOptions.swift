import ArgumentParser
import Supervision

/// How many processes there are, and how long they may take.
struct WorkerOptions: ParsableArguments {
  @Option(
    name: [.customShort("w"), .long],
    help: ArgumentHelp("The number of worker processes.", valueName: "N"))
  var workers = 5

  @Option(help: ArgumentHelp("The most snapshots kept of the application's load.", valueName: "N"))
  var checkpoints = 16

  @Flag(
    inversion: .prefixedNo,
    help: "In development, load libraries and unedited files first where that makes no difference.")
  var preload = false

  @Option(help: ArgumentHelp("How long a request may wait for code that is being loaded.", valueName: "SECONDS"))
  var hold = 30

  @Option(help: ArgumentHelp("How long the application may take to load.", valueName: "SECONDS"))
  var loadTimeout = 60

  @Flag(help: "Destroy the objects of a worker that leaves (DESTROY), after its END blocks.")
  var destruct = false

  @Flag(
    name: .customShort("d"),
    help: "Run the application under perl's debugger: one worker, no time limits; prompts on the terminal.")
  var debugger = false

  @Option(
    help: ArgumentHelp(
      "How long a worker may take for a request before it is killed and the client gets 504; 0 for as long as it likes.",
      valueName: "SECONDS"))
  var timeout = 0

  @Option(
    help: ArgumentHelp(
      "How long requests in hand may go on when the server stops or has new code.", valueName: "SECONDS"))
  var drain = 30

  @Option(
    name: .customLong("max-requests"),
    help: ArgumentHelp(
      "Replace a worker by a new one after about so many requests; 0 for never.", valueName: "N"))
  var maximumRequests = 0

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
    guard (0...86400).contains(timeout) else {
      throw ValidationError("--timeout takes 0 to 86400 seconds, not \(timeout)")
    }
    guard (0...86400).contains(drain) else { throw ValidationError("--drain takes 0 to 86400 seconds, not \(drain)") }
    guard (0...1_000_000_000).contains(maximumRequests) else {
      throw ValidationError("--max-requests takes 0 to 1000000000, not \(maximumRequests)")
    }
  }

  /// Takes over what needs no look at the disk.
  func fill(_ settings: inout ServerSettings) {
    settings.workers = workers
    settings.checkpoints = checkpoints
    settings.preloads = preload
    settings.hold = hold
    settings.loadTimeout = loadTimeout
    settings.life.timeout = timeout
    settings.life.drain = drain
    settings.life.maximumRequests = maximumRequests
    settings.destructs = destruct
    if debugger { settings.debug() }
  }
}
