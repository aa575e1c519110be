import NIOCore
import NIOHPACK
import NIOHTTP1
import NIOHTTP2
import Switchboard

/// One HTTP/2 stream: a request on its way to a pair, and its response on the way back.
///
/// Neither side is read from while the other one has no room: a slow client fills its window, the channel's watermark and
/// the pair's buffer, and then the worker hands the rest of the response to the switchboard, as with any slow client.
final class StreamBridge: ChannelDuplexHandler {
  typealias InboundIn = HTTP2Frame.FramePayload
  typealias OutboundIn = HTTP2Frame.FramePayload
  typealias OutboundOut = HTTP2Frame.FramePayload

  private enum Stage {
    case awaitingHead
    /// The pair speaks.
    case open(PairEnd)
    /// The response is complete, if it has not been cut off; it may be on its way still.
    case done
  }

  private let connections: FrontConnections
  private let peer: Peer
  private var stage = Stage.awaitingHead
  private var context: ChannelHandlerContext?
  private var isReadWaiting = false
  /// Whether the client has more to send.
  private var isRequestOpen = true
  /// A head that waits for what follows it.
  private var heldHead: HPACKHeaders?
  /// Writes of which the connection has not got rid yet.
  private var unsent = 0
  private var timer: Scheduled<Void>?

  init(_ connections: FrontConnections, _ peer: Peer) { (self.connections, self.peer) = (connections, peer) }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    self.context = nil
  }

  // MARK: The request

  func read(context: ChannelHandlerContext) {
    switch stage {
    case .open(let pair) where !pair.hasRoom: isReadWaiting = true
    default: context.read()
    }
  }

  /// The pair has room again.
  func readWaiting() {
    guard isReadWaiting else { return }
    isReadWaiting = false
    context?.read()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch (unwrapInboundIn(data), stage) {
    case (.headers(let headers), .awaitingHead): begin(headers, context)
    case (.headers(let trailers), .open(let pair)):
      // Trailers: nothing reads them.
      if trailers.endStream { endRequest(pair) }
    case (.data(let data), .open(let pair)):
      if case .byteBuffer(let bytes) = data.data, bytes.readableBytes > 0 { pair.send(.body(.byteBuffer(bytes))) }
      if data.endStream { endRequest(pair) }
    default: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) { if case .open(let pair) = stage { pair.flush() } }

  private func begin(_ request: HTTP2Frame.FramePayload.Headers, _ context: ChannelHandlerContext) {
    do {
      let head = try RequestTranslation.head(of: request.headers, isWhole: request.endStream)
      let pair = PairEnd(self)
      stage = .open(pair)
      try connections.lend(to: pair, for: context.channel, peer)
      pair.send(.head(head))
      if request.endStream { endRequest(pair) }
    } catch { reset(error is MalformedRequest ? .protocolError : .refusedStream) }
  }

  private func endRequest(_ pair: PairEnd) {
    isRequestOpen = false
    pair.send(.end(nil))
    pair.flush()
  }

  func channelInactive(context: ChannelHandlerContext) { leave() }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    leave()
    context.close(promise: nil)
  }

  /// The client has given the stream up.
  private func leave() {
    if case .open(let pair) = stage { pair.close() }
    stage = .done
    timer?.cancel()
  }

  // MARK: The response

  var hasRoom: Bool { context?.channel.isWritable ?? false }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable, case .open(let pair) = stage { pair.readWaiting() }
  }

  func respond(_ part: HTTPClientResponsePart) {
    guard case .open(let pair) = stage else { return }
    switch part {
    case .head(let head) where head.status.code < 200:
      // 101 cannot come: no upgrade is asked for.
      write(.headers(.init(headers: ResponseTranslation.headers(of: head))))
    case .head(let head): heldHead = ResponseTranslation.headers(of: head)
    case .body(let bytes):
      sendHead()
      write(.data(.init(data: .byteBuffer(bytes))))
    case .end:
      if let head = heldHead {
        heldHead = nil
        write(.headers(.init(headers: head, endStream: true)))
      } else {
        write(.data(.init(data: .byteBuffer(ByteBuffer()), endStream: true)))
      }
      stage = .done
      pair.close()
      if isRequestOpen { write(.rstStream(.noError)) }
      context?.flush()
      setTimer()
    }
  }

  func flushResponse() {
    guard case .open = stage else { return }
    sendHead()
    context?.flush()
  }

  /// The pair has ended before the response had.
  func pairEnded() {
    guard case .open(let pair) = stage else { return }
    stage = .done
    pair.close()
    reset(.internalError)
  }

  private func sendHead() {
    guard let head = heldHead else { return }
    heldHead = nil
    write(.headers(.init(headers: head)))
  }

  private func write(_ payload: HTTP2Frame.FramePayload) {
    guard let context else { return }
    unsent += 1
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { [self] _ in
      unsent -= 1
      if timer != nil { setTimer() }
    }
    context.write(wrapOutboundOut(payload), promise: promise)
  }

  private func reset(_ code: HTTP2ErrorCode) {
    stage = .done
    context?.writeAndFlush(wrapOutboundOut(.rstStream(code)), promise: nil)
  }

  /// A complete response waits in this process for its client to take it: for so long without any progress.
  private func setTimer() {
    timer?.cancel()
    guard unsent > 0, let context else { return }
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: connections.settings.sendTimeout) { [weak self] in
      self?.reset(.cancel)
    }
  }
}
