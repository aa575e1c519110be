import NIOCore
import NIOHTTP1

/// The end of a pair at which an HTTP/2 stream speaks HTTP/1.1 to the switchboard, and then to a worker.
final class PairEnd: ChannelDuplexHandler {
  typealias InboundIn = HTTPClientResponsePart
  typealias OutboundIn = HTTPClientRequestPart
  typealias OutboundOut = HTTPClientRequestPart

  /// Nil when either side is done.
  private var stream: StreamBridge?
  private var context: ChannelHandlerContext?
  private var isReadWaiting = false
  /// What came before the channel was there.
  private var early: [HTTPClientRequestPart] = []

  init(_ stream: StreamBridge) { self.stream = stream }

  /// Puts `end` into the pipeline of a channel that is not registered yet.
  static func configure(_ channel: any Channel, _ end: PairEnd) throws {
    var encoding = HTTPRequestEncoder.Configuration()
    encoding.automaticallySetFramingHeaders = false
    let decoder = HTTPResponseDecoder(leftOverBytesStrategy: .dropBytes, informationalResponseStrategy: .forward)
    try channel.pipeline.syncOperations.addHandlers([
      HTTPRequestEncoder(configuration: encoding), ByteToMessageHandler(decoder), end,
    ])
  }

  // MARK: From the stream

  private var isActive: Bool { context?.channel.isActive ?? false }
  var hasRoom: Bool { isActive && context!.channel.isWritable }

  func send(_ part: HTTPClientRequestPart) {
    guard let context, isActive else { return early.append(part) }
    context.write(wrapOutboundOut(part), promise: nil)
  }

  func flush() { context?.flush() }

  func readWaiting() {
    guard isReadWaiting else { return }
    isReadWaiting = false
    context?.read()
  }

  /// The stream is done, or gone.
  func close() {
    stream = nil
    context?.close(promise: nil)
  }

  // MARK: From the pair

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelActive(context: ChannelHandlerContext) {
    // The stream has gone in the meantime.
    guard let stream else { return context.close(promise: nil) }
    for part in early { context.write(wrapOutboundOut(part), promise: nil) }
    early = []
    context.flush()
    stream.readWaiting()
  }

  func read(context: ChannelHandlerContext) {
    if stream?.hasRoom ?? true { context.read() } else { isReadWaiting = true }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) { stream?.respond(unwrapInboundIn(data)) }
  func channelReadComplete(context: ChannelHandlerContext) { stream?.flushResponse() }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { stream?.readWaiting() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case ChannelEvent.inputClosed = event { stream?.pairEnded() }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    stream?.pairEnded()
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) { stream?.pairEnded() }
}
