import Glibc
import ReloadModel

/// A reload's marks and spans, put in one order.
extension ControlDocument.Timeline {
  private typealias Span = ControlDocument.Span

  /// What is known of a reload; steps that it did not have are left out.
  init(_ reload: ReloadJournal.Reload, nacre: Int32 = getpid()) {
    let marks = reload.marks
    var steps: [Span] = []
    func step(_ name: String, _ pid: Int32, from: UInt64?, to: UInt64?) {
      guard let from, let to, to >= from else { return }
      steps.append(Span(name: name, pid: pid, start: from / 1000, duration: to / 1000 - from / 1000))
    }
    step("settle", nacre, from: marks.noticed, to: marks.settled ?? marks.began)
    step("decide", nacre, from: marks.settled, to: marks.began)
    let spans = reload.timeline?.spans ?? []
    for span in spans {
      guard let name = span.kind.step else { continue }
      steps.append(Span(name: name, pid: reload.timeline!.pid, start: span.start, duration: span.duration))
    }
    for worker in reload.workers { step("worker", worker.pid, from: worker.ordered, to: worker.ready) }
    step("promote", nacre, from: marks.ready, to: marks.ended)
    let files = spans.filter { $0.kind == .source }.sorted { $0.start < $1.start }
      .prefix(ControlDocument.Reload.filesShown).map {
        Span(name: $0.file, pid: reload.timeline!.pid, start: $0.start, duration: $0.duration)
      }
    self.init(
      start: (marks.noticed ?? marks.began) / 1000, steps: steps, files: files,
      libraries: .init(spans.filter { $0.kind == .library }))
  }
}

extension ControlDocument.Libraries {
  /// Of libraries that load libraries only the outermost count.
  init(_ spans: [LoadTimeline.Span]) {
    var duration: UInt64 = 0
    var end: UInt64 = 0
    for span in spans.sorted(by: { ($0.start, $1.duration) < ($1.start, $0.duration) }) where span.start >= end {
      duration += span.duration
      end = span.start + span.duration
    }
    self.init(count: spans.count, duration: duration)
  }
}

extension LoadTimeline.Span.Kind {
  /// The name of the step that it is; nil for files.
  var step: String? {
    switch self {
    case .fork: "fork"
    case .reopen: "re-open"
    case .load: "load"
    case .source, .library: nil
    }
  }
}
