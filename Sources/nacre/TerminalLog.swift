import CLinux
import Glibc
import Logging
import Supervision

/// The server's log on standard error, through swift-log.
final class TerminalLog: ServerLog {
  private let logger = Logger(label: "nacre") { _ in TerminalLogHandler(output: LogOutput()) }

  func inform(_ text: String) { logger.info("\(text)") }

  func warn(_ text: String) { logger.warning("\(text)") }

  func fail(_ text: String) { logger.error("\(text)") }
}

/// Writes `nacre: text`, one write for each message.
struct TerminalLogHandler: LogHandler {
  let output: LogOutput
  var metadata: Logger.Metadata = [:]
  var logLevel = Logger.Level.info

  init(output: LogOutput) { self.output = output }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var text = "\(event.message)"
    if !text.hasPrefix("nacre: ") { text = "nacre: " + text }
    if !text.hasSuffix("\n") { text += "\n" }
    output.write(text)
  }
}

/// Standard error, which may be a pipe that nobody reads or a file on a full disk: messages are lost then rather than
/// requests, and the next message that can be written says how many.
///
/// Used on one thread only.
final class LogOutput: @unchecked Sendable {
  private let descriptor: Int32
  private var lost = 0

  /// Writes there.
  init(descriptor: Int32 = 2) { self.descriptor = descriptor }

  /// Writes a message that ends with a line end, or counts it as lost. What has begun and cannot be ended is cut off.
  func write(_ text: String) {
    let note =
      lost == 0 ? "" : "nacre: \(lost) message\(lost == 1 ? "" : "s") could not be written here before this one\n"
    let bytes = Array((note + text).utf8)
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        cl_write_at_once(descriptor, $0.baseAddress! + sent, bytes.count - sent)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      sent += count
    }
    if sent >= note.utf8.count { lost = 0 }
    if sent < bytes.count { lost += 1 }
  }
}
