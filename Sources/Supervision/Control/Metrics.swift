import ProcessProtocol
import Switchboard

/// What a server has to say about itself in numbers, and how Prometheus wants to read it.
struct Metrics: Equatable {
  /// A reload's way and how it ended.
  struct Outcome: Hashable, Comparable {
    var way: String
    var verdict: String

    static func < (one: Self, other: Self) -> Bool { (one.way, one.verdict) < (other.way, other.verdict) }
  }

  var generation: UInt64 = 0
  var requests = RequestCounts()
  /// Of the generations that have workers, and of the running one's predecessor.
  var requestsOfGenerations: [UInt64: RequestCounts] = [:]
  var switchboard = SwitchboardFigures()
  /// Requests that have no worker yet.
  var waiting = 0
  /// `starting`, `idle`, `busy`.
  var workers: [String: Int] = [:]
  var reloads: [Outcome: Int] = [:]
  /// Bytes, by the kind of process.
  var memory: [String: Int] = [:]
  var checkpoints = 0
  var startedAt = 0

  private static let classNames = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"]

  /// The text format of Prometheus, version 0.0.4.
  var text: String {
    var text = Exposition()
    text.gauge("nacre_generation", "The generation that answers requests.", [("", Int(generation))])
    text.counter(
      "nacre_requests_total", "Requests that workers have answered, by the class of the status.",
      Self.classes(requests, label: ""))
    text.counter(
      "nacre_generation_requests_total", "The same, of the generations that have workers and the one before.",
      requestsOfGenerations.sorted { $0.key < $1.key }.flatMap { Self.classes($1, label: "generation=\"\($0)\",") })
    text.histogram("nacre_request_duration_seconds", "How long workers took for a request and its response.", requests)
    text.counter(
      "nacre_answers_total", "What nacre has answered by itself, by status.",
      switchboard.answers.sorted { $0.key < $1.key }.map { ("status=\"\($0.key)\"", $0.value) })
    text.counter("nacre_connections_accepted_total", "Connections that were accepted.", [("", switchboard.accepted)])
    text.gauge(
      "nacre_connections", "Open connections by what they wait for.",
      [
        ("state=\"active\"", switchboard.active), ("state=\"parked\"", switchboard.parked),
        ("state=\"streaming\"", switchboard.streaming),
      ])
    text.gauge("nacre_queue", "Requests that wait for a worker.", [("", waiting)])
    text.gauge(
      "nacre_workers", "Workers by state.",
      ["starting", "idle", "busy"].map { ("state=\"\($0)\"", workers[$0] ?? 0) })
    text.counter(
      "nacre_reloads_total", "Reloads by their way and how they ended.",
      reloads.sorted { $0.key < $1.key }.map { ("way=\"\($0.key.way)\",verdict=\"\($0.key.verdict)\"", $0.value) })
    text.gauge("nacre_checkpoints", "Snapshots of the running generation's load.", [("", checkpoints)])
    text.gauge(
      "nacre_memory_bytes", "Memory by the kind of process, shared pages divided among those that share them (PSS).",
      memory.sorted { $0.key < $1.key }.map { ("process=\"\($0.key)\"", $0.value) })
    text.gauge("nacre_start_time_seconds", "When the server started, since the epoch.", [("", startedAt)])
    return text.lines
  }

  private static func classes(_ counts: RequestCounts, label: String) -> [(String, Int)] {
    zip(classNames, counts.classes).map { ("\(label)class=\"\($0)\"", Int(clamping: $1)) }
  }
}

/// The lines of the text format.
private struct Exposition {
  private(set) var lines = ""

  mutating func gauge(_ name: String, _ help: String, _ samples: [(labels: String, value: Int)]) {
    family(name, help, "gauge", samples)
  }

  mutating func counter(_ name: String, _ help: String, _ samples: [(labels: String, value: Int)]) {
    family(name, help, "counter", samples)
  }

  mutating func histogram(_ name: String, _ help: String, _ counts: RequestCounts) {
    head(name, help, "histogram")
    var sum: UInt64 = 0
    for (bound, count) in zip(RequestCounts.bounds, counts.buckets) {
      sum += count
      lines += "\(name)_bucket{le=\"\(seconds(bound))\"} \(sum)\n"
    }
    // Workers go on counting while they are asked: the buckets shall agree with their total.
    sum += counts.buckets.last ?? 0
    lines += "\(name)_bucket{le=\"+Inf\"} \(sum)\n\(name)_sum \(seconds(counts.nanoseconds))\n\(name)_count \(sum)\n"
  }

  private func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e9 }

  private mutating func family(_ name: String, _ help: String, _ kind: String, _ samples: [(String, Int)]) {
    head(name, help, kind)
    for (labels, value) in samples { lines += "\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value)\n" }
  }

  private mutating func head(_ name: String, _ help: String, _ kind: String) {
    lines += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
  }
}
