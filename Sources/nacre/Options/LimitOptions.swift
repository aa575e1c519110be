import ArgumentParser
import Supervision

/// How much is taken from clients, and for how long they are waited for.
struct LimitOptions: ParsableArguments {
  /// A worker reads head and body in one go, which leaves a head half of what is read.
  private static let largestHead = 32 * 1024

  @Option(
    help: ArgumentHelp(
      "The longest request head, 1k to 32k; a longer one is answered with 431.", valueName: "SIZE"))
  var maxHeaderSize = ByteCount(16 << 10)

  @Option(
    help: ArgumentHelp(
      "The longest request body, such as 512k, 10m or 2g; a longer one is answered with 413. 0 for any length.",
      valueName: "SIZE"))
  var maxBodySize = ByteCount(1 << 30)

  @Option(
    help: ArgumentHelp(
      "How long a client may send nothing of a body before it is answered with 408.", valueName: "SECONDS"))
  var bodyTimeout = 30

  @Option(
    help: ArgumentHelp(
      "How long a client may take nothing of a response before its connection is closed.", valueName: "SECONDS"))
  var sendTimeout = 60

  @Option(
    help: ArgumentHelp(
      "How much of a response is kept for a slow client while the application still makes it; beyond that the worker waits.",
      valueName: "SIZE"))
  var responseBuffer = ByteCount(1 << 30)

  @Option(
    help: ArgumentHelp(
      "The most connections; an idle one makes room, otherwise what comes then is answered with 503. 0 for as many as there are descriptors for.",
      valueName: "N"))
  var maxConnections = 0

  @Option(
    help: ArgumentHelp(
      "The most requests that wait for a worker; what comes then is answered with 503.", valueName: "N"))
  var maxQueue = 1024

  func validate() throws {
    guard (1024...Self.largestHead).contains(maxHeaderSize.bytes) else {
      throw ValidationError("--max-header-size takes 1k to 32k, not \(maxHeaderSize.defaultValueDescription)")
    }
    guard responseBuffer.bytes >= 1 << 20 else {
      throw ValidationError("--response-buffer takes 1m or more, not \(responseBuffer.defaultValueDescription)")
    }
    for (name, value) in [("--body-timeout", bodyTimeout), ("--send-timeout", sendTimeout)] {
      guard (1...86400).contains(value) else { throw ValidationError("\(name) takes 1 to 86400 seconds, not \(value)") }
    }
    guard (0...1_000_000).contains(maxConnections) else {
      throw ValidationError("--max-connections takes 0 to 1000000, not \(maxConnections)")
    }
    guard (1...1_000_000).contains(maxQueue) else {
      throw ValidationError("--max-queue takes 1 to 1000000, not \(maxQueue)")
    }
  }

  /// Takes over what needs no look at the disk.
  func fill(_ settings: inout ServerSettings) {
    settings.limits.head = maxHeaderSize.bytes
    settings.limits.body = maxBodySize.bytes
    settings.limits.bodyTimeout = bodyTimeout
    settings.limits.sendTimeout = sendTimeout
    settings.limits.responseBuffer = responseBuffer.bytes
    settings.limits.connections = maxConnections
    settings.limits.queue = maxQueue
  }
}
