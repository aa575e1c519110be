import Glibc
public import ProcessProtocol

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
  /// The most connections that are served, fewer than there are slots; what comes then is answered 503. Nil: as many as
  /// there are slots, and what comes then is left to the system's queue.
  public var maximumConnections: Int?
  /// Whose connections are marked as those of trusted proxies.
  public var trustedProxies = TrustedProxies.none
  /// Whether their connections begin with the PROXY protocol.
  public var takesProxyProtocol = false
  /// The most requests that wait in the switchboard; what comes then is answered 503.
  public var maximumWaiting = 1024
  /// The longest request body in bytes; nil for no bound.
  public var maximumBody: UInt64?
  /// Where bodies longer than ``spoolThreshold`` are kept, in files without a name.
  public var spoolDirectory: String
  /// The longest body in bytes that is kept in memory.
  public var spoolThreshold = 1024 * 1024
  /// The most streams of events at a time; what comes then is answered 503. With 0 there is no such path.
  public var maximumStreams = 0
  /// How long a stream may say nothing.
  public var heartbeat: UInt64 = 15_000_000_000
  /// Whether a connection may begin with HTTP/2 in clear text (with prior knowledge); that needs a front.
  public var takesHTTP2 = false
  /// Whether the delegate is asked before requests are lent.
  public var developmentMode: Bool

  /// The defaults.
  public init(spoolDirectory: String, developmentMode: Bool) {
    self.spoolDirectory = spoolDirectory
    self.developmentMode = developmentMode
  }
}
