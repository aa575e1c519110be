import NIOCore
import NIOHTTP2

/// How long a connection of HTTP/2 lives: it is closed when it has had no stream for a while. Clients are told before
/// (GOAWAY, which NIO's own handler sends), and those that do not answer that are not waited for.
final class ConnectionLife: ChannelInboundHandler {
  typealias InboundIn = HTTP2Frame

  private enum Stage {
    case serving
    /// No further streams are to come.
    case ending
  }

  private let loop: any NIOCore.EventLoop
  private let settings: FrontSettings
  private var stage = Stage.serving
  private var streams = 0
  private var timer: Scheduled<Void>?
  private var context: ChannelHandlerContext?

  init(_ loop: any NIOCore.EventLoop, _ settings: FrontSettings) { (self.loop, self.settings) = (loop, settings) }

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    setTimer()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    timer?.cancel()
    self.context = nil
  }

  func streamCreated() {
    streams += 1
    timer?.cancel()
  }

  func streamClosed() {
    streams -= 1
    if streams == 0 { setTimer() }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is ChannelShouldQuiesceEvent, case .serving = stage {
      stage = .ending
      if streams == 0 { setTimer() }
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // What concerns one stream has been answered there; everything else is the connection's end.
    if !Self.isOfOneStream(error) { context.close(promise: nil) }
  }

  /// NIO tells of both kinds in one way, after RST_STREAM or GOAWAY. Whatever is not known to be a malformed request counts
  /// as the connection's.
  private static func isOfOneStream(_ error: any Error) -> Bool {
    switch error {
    case is NIOHTTP2Errors.StreamError, is NIOHTTP2Errors.InvalidHTTP2HeaderFieldName,
      is NIOHTTP2Errors.InvalidHTTP2HeaderFieldValue, is NIOHTTP2Errors.InvalidPseudoHeaderValue,
      is NIOHTTP2Errors.ForbiddenHeaderField, is NIOHTTP2Errors.MissingPseudoHeader,
      is NIOHTTP2Errors.DuplicatePseudoHeader, is NIOHTTP2Errors.PseudoHeaderAfterRegularHeader,
      is NIOHTTP2Errors.UnknownPseudoHeader, is NIOHTTP2Errors.UnsupportedPseudoHeader,
      is NIOHTTP2Errors.InvalidPseudoHeaders, is NIOHTTP2Errors.EmptyPathHeader,
      is NIOHTTP2Errors.TrailersWithoutEndStream, is NIOHTTP2Errors.ContentLengthViolated,
      is NIOHTTP2Errors.ContentLengthHeadersMismatch, is NIOHTTP2Errors.ContentLengthHeaderNegative,
      is NIOHTTP2Errors.ContentLengthHeaderMalformedValue:
      true
    default: false
    }
  }

  private func setTimer() {
    timer?.cancel()
    let wait: TimeAmount = if case .serving = stage { settings.idleTimeout } else { settings.lingerTimeout }
    timer = loop.assumeIsolated().scheduleTask(in: wait) { [weak self] in self?.timerFired() }
  }

  private func timerFired() {
    guard let context else { return }
    switch stage {
    case .serving: context.pipeline.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
    case .ending: context.close(promise: nil)
    }
  }
}

/// Tells of streams that come and go.
struct StreamCount: NIOHTTP2StreamDelegate {
  let manager: NIOHTTP2ServerConnectionManagementHandler.HTTP2StreamDelegate
  let life: NIOLoopBound<ConnectionLife>

  func streamCreated(_ id: HTTP2StreamID, channel: any Channel) {
    manager.streamCreated(id, channel: channel)
    life.value.streamCreated()
  }

  func streamClosed(_ id: HTTP2StreamID, channel: any Channel) {
    manager.streamClosed(id, channel: channel)
    life.value.streamClosed()
  }
}
