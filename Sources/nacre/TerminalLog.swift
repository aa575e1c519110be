import Glibc
import Logging
import Supervision

/// The server's log on standard error, through swift-log.
final class TerminalLog: ServerLog {
  private let logger = Logger(label: "nacre") { _ in TerminalLogHandler() }

  func inform(_ text: String) { logger.info("\(text)") }

  func warn(_ text: String) { logger.warning("\(text)") }

  func fail(_ text: String) { logger.error("\(text)") }
}

/// Writes `nacre: text`, one write for each message.
struct TerminalLogHandler: LogHandler {
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var text = "\(event.message)"
    if !text.hasPrefix("nacre: ") { text = "nacre: " + text }
    if !text.hasSuffix("\n") { text += "\n" }
    let bytes = Array(text.utf8)
    _ = write(2, bytes, bytes.count)
  }
}
