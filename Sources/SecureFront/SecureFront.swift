import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import NIOSSL
public import Switchboard

/// TLS and HTTP/2 for the switchboard, with SwiftNIO.
///
/// NIO has a thread of its own, which never forks: the signal that ends Perl processes follows the thread that has
/// started them, and that is the switchboard's. The two threads share descriptors and a ``Mailbox``, nothing else. There
/// is no such thread before ``start(on:for:settings:)``, and none in a server that needs neither TLS nor HTTP/2.
public final class SecureFront: Front {
  private let files: CertificateFiles?
  private let certificate: NIOLockedValueBox<NIOSSLContext?>
  private var connections: FrontConnections?
  private var mailbox: Mailbox?

  /// What a person should know about the certificate.
  public private(set) var warning: String?

  /// Reads the certificate. Without one there is no TLS, only HTTP/2 in clear text.
  public init(_ files: CertificateFiles?) throws(CertificateError) {
    self.files = files
    let first: Certificate? = if let files { try Certificate(files) } else { nil }
    certificate = NIOLockedValueBox(first?.context)
    warning = first?.warning
  }

  /// Starts NIO's thread; `loop` is the switchboard's.
  public func start(
    on loop: Switchboard.Loop, for switchboard: Switchboard, settings: SwitchboardSettings
  ) throws(SystemError) {
    let mailbox = try Mailbox()
    self.mailbox = mailbox
    try loop.watch(mailbox.descriptor, .readable) { [unowned switchboard] _ in
      for letter in mailbox.fetch() {
        switch letter {
        case .pair(let descriptor, let peer): switchboard.adopt(descriptor, peer)
        case .closed: switchboard.frontClosed()
        }
      }
    }
    let thread = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
    connections = FrontConnections(on: thread, certificate, FrontSettings(settings), mailbox)
  }

  /// Takes over a connection.
  public func take(_ descriptor: Int32, _ peer: Peer, _ language: FrontLanguage) {
    connections?.take(descriptor, peer, language)
  }

  /// Reads the certificate again, for connections that come from now on. Returns what a person should know about it; a
  /// bad one changes nothing.
  public func reload() -> String? {
    guard let files else { return nil }
    do {
      let new = try Certificate(files)
      certificate.withLockedValue { $0 = new.context }
      warning = new.warning
      return new.warning
    } catch { return "\(error); the certificate that was read before stays in use" }
  }

  /// Has clients of HTTP/2 open no more streams, and closes connections when they have none.
  public func stop() { connections?.stop() }
}

/// What this room takes from the switchboard's settings.
struct FrontSettings: Sendable {
  /// How long a client may take to agree on TLS.
  var handshakeTimeout: TimeAmount
  /// How long a connection of HTTP/2 may stay open without a stream.
  var idleTimeout: TimeAmount
  /// How long a client may take nothing of what is sent.
  var sendTimeout: TimeAmount
  /// How long a client may take to close a connection that has nothing left to do.
  var lingerTimeout: TimeAmount
  /// The longest request head in bytes.
  var maximumHead: Int
  /// The most streams of one connection at a time.
  var maximumStreams = 100

  init(_ settings: SwitchboardSettings) {
    handshakeTimeout = .nanoseconds(Int64(settings.headTimeout))
    idleTimeout = .nanoseconds(Int64(settings.idleTimeout))
    sendTimeout = .nanoseconds(Int64(settings.sendTimeout))
    lingerTimeout = .nanoseconds(Int64(settings.lingerTimeout))
    maximumHead = settings.maximumHead
  }
}
