import ReloadModel

extension ControlDocument {
  /// `GET /v1/trace`: reloads in Chrome's Trace Event Format (the JSON object form), which chrome://tracing and Perfetto
  /// open. A row for each process; what lies within something else is shown below it.
  public struct Trace: Codable, Equatable, Sendable {
    /// What happened, and the names of the rows.
    public var traceEvents: [TraceEvent]
    /// How times are shown.
    public var displayTimeUnit = "ms"
  }

  /// One entry of a trace: something complete (`ph` is `X`), or the name of a process (`M`).
  public struct TraceEvent: Codable, Equatable, Sendable {
    /// What happened, or `process_name`.
    public var name: String
    /// `nacre`, `process`, `source` or `library`.
    public var cat: String
    /// `X` or `M`.
    public var ph: String
    /// Microseconds of `CLOCK_MONOTONIC`.
    public var ts: UInt64
    /// Microseconds.
    public var dur: UInt64?
    /// The process.
    public var pid: Int32
    /// The same: Nacre's processes have one thread.
    public var tid: Int32
    /// More about it.
    public var args: [String: String]?
  }
}

extension ControlDocument.Trace {
  private typealias Entry = ControlDocument.TraceEvent

  /// A trace of these reloads, the oldest first.
  init(_ reloads: [ReloadJournal.Reload], nacre: Int32) {
    traceEvents = []
    var named: Set<Int32> = []
    func name(_ pid: Int32, _ text: String) {
      guard named.insert(pid).inserted else { return }
      traceEvents.append(
        Entry(name: "process_name", cat: "process", ph: "M", ts: 0, pid: pid, tid: pid, args: ["name": text]))
    }
    func add(
      _ name: String, _ category: String, _ pid: Int32, _ start: UInt64, _ duration: UInt64,
      _ more: [String: String]? = nil
    ) {
      traceEvents.append(
        Entry(name: name, cat: category, ph: "X", ts: start, dur: duration, pid: pid, tid: pid, args: more))
    }
    name(nacre, "nacre")
    for reload in reloads {
      for span in reload.ownSpans { add(span.name, "nacre", nacre, span.start, span.duration, span.args) }
      if let timeline = reload.timeline {
        name(timeline.pid, "load and mold, generation \(reload.generation)")
        for span in timeline.spans.sorted(by: { ($0.start, $1.duration) < ($1.start, $0.duration) }) {
          let category = span.kind == .source ? "source" : span.kind == .library ? "library" : "process"
          add(span.kind.step ?? span.file, category, timeline.pid, span.start, span.duration)
        }
      }
      for worker in reload.workers {
        name(worker.pid, "worker, generation \(reload.generation)")
        let (ordered, forked, ready) = (worker.ordered / 1000, worker.forked / 1000, worker.ready / 1000)
        add("worker", "process", worker.pid, ordered, ready - ordered)
        add("fork", "process", worker.pid, ordered, forked - ordered)
        add("start", "process", worker.pid, forked, ready - forked)
      }
    }
  }
}

extension ReloadJournal.Reload {
  /// What `nacre` itself went through: the whole reload, and its phases, which add up to it.
  fileprivate var ownSpans: [(name: String, start: UInt64, duration: UInt64, args: [String: String]?)] {
    let start = marks.noticed ?? marks.began
    let points: [(String, UInt64?)] = [
      ("settle", marks.noticed == nil ? nil : marks.settled ?? marks.began),
      ("decide", marks.settled == nil ? nil : marks.began),
      ("fork", marks.forked), ("load", marks.loaded), ("workers", marks.ready),
      ("promote", marks.ready == nil ? nil : marks.ended),
    ]
    var spans: [(name: String, start: UInt64, duration: UInt64, args: [String: String]?)] = []
    var last = start
    for case (let name, let point?) in points where point >= last {
      spans.append((name, last / 1000, point / 1000 - last / 1000, nil))
      last = point
    }
    let end = marks.ended ?? last
    let args = ["way": way.rawValue, "verdict": verdict.name, "files": files.prefix(10).joined(separator: ", ")]
    return [("generation \(generation) by \(way.rawValue)", start / 1000, end / 1000 - start / 1000, args)] + spans
  }
}
