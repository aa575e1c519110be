import NIOCore

/// One of two handlers that pass bytes to each other: one behind a client's TLS, the other at an end of a pair.
///
/// Neither reads while the other one has not got rid of what it has: so much is in memory as a socket's watermark says.
final class Pump: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  /// Nil once either side is gone.
  private var partner: Pump?
  /// Whether this one is the client's.
  private let isTowardsClient: Bool
  private var context: ChannelHandlerContext?
  /// Whether a read waits for the partner.
  private var isReadWaiting = false
  /// What was written and is not in the kernel's hands yet.
  private var unsent = 0
  /// Whether the channel is to be closed as soon as nothing is unsent.
  private var isEnding = false
  /// What came before the channel was there.
  private var early: [ByteBuffer] = []
  private var isEarlyEnd = false

  private init(isTowardsClient: Bool) { self.isTowardsClient = isTowardsClient }

  /// Two that are each other's partner.
  static func pair() -> (outside: Pump, inside: Pump) {
    let (outside, inside) = (Pump(isTowardsClient: true), Pump(isTowardsClient: false))
    (outside.partner, inside.partner) = (inside, outside)
    return (outside, inside)
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func channelActive(context: ChannelHandlerContext) {
    for buffer in early { write(buffer) }
    early = []
    context.flush()
    if isEarlyEnd { context.close(mode: .output, promise: nil) }
    context.fireChannelActive()
    partner?.readWaiting()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    self.context = nil
    partner = nil
  }

  // MARK: From the socket

  func read(context: ChannelHandlerContext) {
    if partner?.hasRoom ?? true { context.read() } else { isReadWaiting = true }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { partner?.write(unwrapInboundIn(data)) }

  func channelReadComplete(context: ChannelHandlerContext) { partner?.context?.flush() }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { partner?.readWaiting() }
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event { partner?.inputEnded() }
    context.fireUserInboundEventTriggered(event)
  }

  func channelInactive(context: ChannelHandlerContext) {
    partner?.end()
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // Without a clean end nobody knows whether something is missing, so neither side goes on.
    partner?.end()
    context.close(promise: nil)
  }

  // MARK: From the partner

  private var isActive: Bool { context?.channel.isActive ?? false }
  private var hasRoom: Bool { isActive && context!.channel.isWritable }

  private func readWaiting() {
    guard isReadWaiting else { return }
    isReadWaiting = false
    context?.read()
  }

  private func write(_ buffer: ByteBuffer) {
    guard let context, isActive else { return early.append(buffer) }
    unsent += 1
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { [self] _ in
      unsent -= 1
      if isEnding, unsent == 0 { self.context?.close(promise: nil) }
    }
    context.write(wrapOutboundOut(buffer), promise: promise)
  }

  /// The partner's socket has nothing more to say.
  private func inputEnded() {
    guard let context, isActive else { return isEarlyEnd = true }
    // The switchboard learns that the client has closed its side, and may still answer. If the switchboard has, it is done.
    if isTowardsClient { end() } else { context.close(mode: .output, promise: nil) }
  }

  /// The partner is gone: what it has said is still sent.
  private func end() {
    isEnding = true
    if unsent == 0 { context?.close(promise: nil) } else { context?.flush() }
  }
}
