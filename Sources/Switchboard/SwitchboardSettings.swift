import Glibc

/// What the switchboard asks of, and tells, its owner.
public protocol SwitchboardDelegate: AnyObject {
  /// Whether what waits may be lent to the current generation, asked in development mode before each batch. When the
  /// answer is false everything is held until ``Switchboard/resume()`` or ``Switchboard/promote(_:generation:workers:)``.
  func switchboardMayLend() -> Bool
  /// Something that a person should know, one sentence.
  func switchboard(reports text: String)
}

/// How long the switchboard waits for what, and how much it takes. Times are nanoseconds.
public struct SwitchboardSettings: Equatable, Sendable {
  /// How long a request may wait for code that is being loaded before it is answered 503.
  public var hold: UInt64 = 30_000_000_000
  /// How long a connection may stay open without a request.
  public var idleTimeout: UInt64 = 60_000_000_000
  /// How long a request head may take, from its first byte to its last.
  public var headTimeout: UInt64 = 30_000_000_000
  /// How long a client may send nothing of a body that it owes.
  public var bodyTimeout: UInt64 = 30_000_000_000
  /// How long a client may take nothing of a response that is sent from here.
  public var sendTimeout: UInt64 = 60_000_000_000
  /// How long a closed connection's last bytes are read, so that the client gets the answer and not a reset.
  public var lingerTimeout: UInt64 = 2_000_000_000
  /// The most such bytes.
  public var lingerBytes = 1024 * 1024
  /// The longest request head in bytes.
  public var maximumHead = 16 * 1024
  /// The most requests that wait in the switchboard; what comes then is answered 503.
  public var maximumWaiting = 1024
  /// The longest request body in bytes; nil for no bound.
  public var maximumBody: UInt64?
  /// Where bodies longer than ``spoolThreshold`` are kept, in files without a name.
  public var spoolDirectory: String
  /// The longest body in bytes that is kept in memory.
  public var spoolThreshold = 1024 * 1024
  /// Whether the delegate is asked before requests are lent.
  public var developmentMode: Bool

  /// The defaults.
  public init(spoolDirectory: String, developmentMode: Bool) {
    self.spoolDirectory = spoolDirectory
    self.developmentMode = developmentMode
  }
}

/// What every request is answered with, status 500, while there is no good code to run.
public struct FailureAnswer: Equatable, Sendable {
  /// A page, UTF-8.
  public var html: [UInt8]
  /// The same for clients that do not take HTML, UTF-8.
  public var text: [UInt8]

  /// Makes an answer.
  public init(html: [UInt8], text: [UInt8]) {
    self.html = html
    self.text = text
  }
}
