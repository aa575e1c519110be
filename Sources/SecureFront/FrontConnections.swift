import CLinux
import Glibc
import NIOConcurrencyHelpers
import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import NIOTLS
import ProcessProtocol
import Switchboard

/// The connections of clients that speak TLS or HTTP/2.
///
/// ``take(_:_:_:)`` and ``stop()`` may be called on any thread; everything else happens on NIO's.
final class FrontConnections: @unchecked Sendable {
  let thread: any NIOCore.EventLoop
  let settings: FrontSettings
  private let certificate: NIOLockedValueBox<NIOSSLContext?>
  private let mailbox: Mailbox
  /// Those that are open.
  private var open: [ObjectIdentifier: any Channel] = [:]
  private var isStopping = false

  init(
    on thread: any NIOCore.EventLoop, _ certificate: NIOLockedValueBox<NIOSSLContext?>, _ settings: FrontSettings,
    _ mailbox: Mailbox
  ) {
    (self.thread, self.certificate, self.settings, self.mailbox) = (thread, certificate, settings, mailbox)
  }

  func take(_ descriptor: Int32, _ peer: Peer, _ language: FrontLanguage) {
    thread.execute { [self] in begin(descriptor, peer, language) }
  }

  func stop() {
    thread.execute { [self] in
      isStopping = true
      for channel in open.values { channel.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent()) }
    }
  }

  private func begin(_ descriptor: Int32, _ peer: Peer, _ language: FrontLanguage) {
    let isTCP = peer.family != .unix
    if isTCP { boundSending(descriptor) }
    let ending = Ending(mailbox)
    ClientBootstrap(group: thread)
      // A client may close its side when it has sent its request, and still wants the answer.
      .channelOption(.allowRemoteHalfClosure, value: language == .secure)
      .channelInitializer { [self] channel in
        channel.closeFuture.whenComplete { [self] _ in
          open[ObjectIdentifier(channel)] = nil
          ending.tell()
        }
        open[ObjectIdentifier(channel)] = channel
        return channel.eventLoop.makeCompletedFuture { try configure(channel, descriptor, peer, language) }
      }
      .withConnectedSocket(descriptor)
      .whenFailure { _ in ending.tell() }
  }

  /// The kernel ends a connection whose client takes nothing for so long: no timer of ours has to watch each.
  private func boundSending(_ descriptor: Int32) {
    var patience = UInt32(clamping: settings.sendTimeout.nanoseconds / 1_000_000)
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &patience, socklen_t(MemoryLayout<UInt32>.size))
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  private func configure(
    _ channel: any Channel, _ descriptor: Int32, _ peer: Peer, _ language: FrontLanguage
  ) throws {
    guard !isStopping else { throw ChannelError.eof }
    let pipeline = channel.pipeline.syncOperations
    switch language {
    case .http2: try speakHTTP2(channel, peer.paired(descriptor, isSecure: peer.isSecure, isHTTP2: true))
    case .secure:
      guard let context = certificate.withLockedValue({ $0 }) else { throw ChannelError.eof }
      try pipeline.addHandler(NIOSSLServerHandler(context: context))
      try pipeline.addHandler(
        Negotiation(timeout: settings.handshakeTimeout) { [unowned self] channel, agreed in
          if agreed == "h2" {
            try speakHTTP2(channel, peer.paired(descriptor, isSecure: true, isHTTP2: true))
          } else {
            try speakHTTP1(channel, peer.paired(descriptor, isSecure: true, isHTTP2: false))
          }
        })
    }
  }

  // MARK: HTTP/1.1

  /// What is in the TLS is passed on as it is.
  private func speakHTTP1(_ channel: any Channel, _ peer: Peer) throws {
    let (own, lent) = try Self.makePair()
    let (outside, inside) = Pump.pair()
    try channel.pipeline.syncOperations.addHandler(outside)
    connect(own, for: channel) { try $0.pipeline.syncOperations.addHandler(inside) }
    mailbox.post(.pair(lent, peer))
  }

  // MARK: HTTP/2

  private func speakHTTP2(_ channel: any Channel, _ peer: Peer) throws {
    var connection = NIOHTTP2Handler.ConnectionConfiguration()
    connection.initialSettings = [
      HTTP2Setting(parameter: .maxConcurrentStreams, value: settings.maximumStreams),
      HTTP2Setting(parameter: .maxHeaderListSize, value: settings.maximumHead),
    ]
    var stream = NIOHTTP2Handler.StreamConfiguration()
    stream.outboundBufferSizeHighWatermark = 64 * 1024
    stream.outboundBufferSizeLowWatermark = 32 * 1024
    let manager = NIOHTTP2ServerConnectionManagementHandler(
      eventLoop: thread,
      configuration: .init(maxIdleTime: nil, maxAge: nil, maxGraceTime: nil, keepalive: nil))
    let life = ConnectionLife(thread, settings)
    let pipeline = channel.pipeline.syncOperations
    _ = try pipeline.configureHTTP2Pipeline(
      mode: .server, connectionConfiguration: connection, streamConfiguration: stream,
      streamDelegate: StreamCount(manager: manager.http2StreamDelegate, life: NIOLoopBound(life, eventLoop: thread))
    ) { [self] stream in
      stream.eventLoop.makeCompletedFuture {
        try stream.pipeline.syncOperations.addHandler(StreamBridge(self, peer))
      }
    }
    try pipeline.addHandlers([manager, life])
  }

  // MARK: Pairs

  /// Lends one end of a new pair, and speaks HTTP/1.1 as a client on the other end, whose last handler is `end`.
  func lend(to end: PairEnd, for stream: any Channel, _ peer: Peer) throws {
    let (own, lent) = try Self.makePair()
    connect(own, for: stream) { try PairEnd.configure($0, end) }
    mailbox.post(.pair(lent, peer))
  }

  /// Makes a channel of an end of a pair. Should that fail, `client`, for which it was to speak, is closed.
  private func connect(
    _ descriptor: Int32, for client: any Channel, _ configure: @escaping (any Channel) throws -> Void
  ) {
    let configure = NIOLoopBound(configure, eventLoop: thread)
    ClientBootstrap(group: thread)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try configure.value(channel) }
      }
      .withConnectedSocket(descriptor)
      .whenFailure { _ in client.close(promise: nil) }
  }

  private static func makePair() throws -> (own: Int32, lent: Int32) {
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      throw SystemError("make a socket pair")
    }
    return (ends[0], ends[1])
  }

  /// Tells once that a connection is closed.
  private final class Ending: @unchecked Sendable {
    private let mailbox: Mailbox
    private var isTold = false

    init(_ mailbox: Mailbox) { self.mailbox = mailbox }

    func tell() {
      guard !isTold else { return }
      isTold = true
      mailbox.post(.closed)
    }
  }
}

/// Waits until a client has agreed on TLS and on what is spoken in it, and goes.
final class Negotiation: ChannelInboundHandler, RemovableChannelHandler {
  typealias InboundIn = Any

  private let timeout: TimeAmount
  private let proceed: (any Channel, String?) throws -> Void
  private var timer: Scheduled<Void>?

  init(timeout: TimeAmount, proceed: @escaping (any Channel, String?) throws -> Void) {
    (self.timeout, self.proceed) = (timeout, proceed)
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(in: timeout) { channel.close(promise: nil) }
  }

  func handlerRemoved(context: ChannelHandlerContext) { timer?.cancel() }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event {
    case TLSUserEvent.handshakeCompleted(let agreed):
      do {
        try proceed(context.channel, agreed)
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
      } catch { context.close(promise: nil) }
    case is ChannelShouldQuiesceEvent: context.close(promise: nil)
    default: context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    context.fireChannelInactive()
  }
}
