import Glibc
import ProcessProtocol
import ReloadModel
import SourceFiles

// What took time in this load.
extension LoadTracer {
  /// What took time, one entry a file and step.
  final class Timeline {
    var spans: [LoadTimeline.Span] = []
  }

  /// More than this nobody looks at, and all of it is sent.
  private static let mostSpans = 20_000
  /// A message of the socket has a bound.
  private static let spansInAMessage = 250

  /// A candidate begins: it was asked for, forked, and has opened its files again at these times.
  func beginTimeline(ordered: UInt64, arrived: UInt64, started: UInt64) {
    resumed = started
    // What the load until the checkpoint has noted stays where it is: to free it would copy its pages.
    _ = Unmanaged.passRetained(timeline)
    timeline = Timeline()
    timeline.spans = [
      .init(.fork, start: ordered, duration: arrived - ordered),
      .init(.reopen, start: arrived, duration: started - arrived),
    ]
  }

  /// A file has been loaded, or could not be.
  func noteSpan(_ kind: LoadTimeline.Span.Kind, _ file: String, since began: UInt64) {
    guard timeline.spans.count < Self.mostSpans else { return }
    // It may have begun before the checkpoint.
    let start = max(began, resumed)
    timeline.spans.append(.init(kind, file: file, start: start, duration: Clock.microseconds() - start))
  }

  /// Tells `nacre`, once nobody waits for this process any more.
  func sendTimeline() {
    guard let channel = HostProcess.current?.channel, !timeline.spans.isEmpty else { return }
    let spans = timeline.spans
    for start in stride(from: 0, to: spans.count, by: Self.spansInAMessage) {
      let part = spans[start..<min(start + Self.spansInAMessage, spans.count)]
      channel.send(.timeline(LoadTimeline(pid: getpid(), spans: Array(part))))
    }
    timeline.spans = []
  }
}
