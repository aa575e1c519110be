import ProcessProtocol
import Switchboard
import Testing

@testable import Supervision

@Suite struct MetricsTests {
  /// Counts of one request of 3 ms.
  private var one: RequestCounts {
    var counts = RequestCounts()
    counts.classes[1] = 1
    counts.buckets[2] = 1
    counts.nanoseconds = 3_000_000
    return counts
  }

  @Test func countsOfEndedWorkersAreKept() {
    var tally = RequestTally()
    for _ in 0..<5 { tally.add(one, of: 1) }
    tally.add(one, of: 2)
    #expect(tally.all.total == 6 && tally.all.nanoseconds == 18_000_000)
    #expect(tally.generations.mapValues(\.total) == [1: 5, 2: 1])
  }

  @Test func onlyTheLastGenerationsAreToldApart() {
    var tally = RequestTally()
    for generation in 1...50 { tally.add(one, of: UInt64(generation)) }
    #expect(tally.all.total == 50)
    #expect(tally.generations.keys.sorted() == [48, 49, 50])
  }

  @Test func bucketsOfTheHistogramHoldThoseBefore() {
    var metrics = Metrics()
    metrics.requests = one
    metrics.requests.buckets[0] = 4
    metrics.requests.buckets[RequestCounts.bounds.count] = 2
    let lines = metrics.text.split(separator: "\n")
    func line(_ text: String) -> Bool { lines.contains { $0 == "nacre_request_duration_seconds\(text)" } }
    #expect(line("_bucket{le=\"0.001\"} 4") && line("_bucket{le=\"0.0025\"} 4") && line("_bucket{le=\"0.005\"} 5"))
    #expect(line("_bucket{le=\"10.0\"} 5") && line("_bucket{le=\"+Inf\"} 7") && line("_count 7") && line("_sum 0.003"))
  }

  @Test func everyFamilyIsExplainedOnceAndEveryLineIsASample() throws {
    var metrics = Metrics()
    metrics.requestsOfGenerations = [7: one]
    metrics.reloads = [Metrics.Outcome(way: "cold start", verdict: "promoted"): 2]
    metrics.switchboard.answers = [503: 4]
    metrics.memory = ["nacre": 1024]
    var families: Set<String> = []
    for line in metrics.text.split(separator: "\n") {
      if line.hasPrefix("# TYPE ") {
        #expect(families.insert(String(line.split(separator: " ")[2])).inserted, "\(line)")
      } else if !line.hasPrefix("# HELP ") {
        let sample = /([a-z_]+)(\{[a-z]+="[^"]+"(,[a-z]+="[^"]+")*\})? [0-9.e+-]+/
        let match = try #require(line.wholeMatch(of: sample), "\(line)")
        #expect(families.contains { match.1.hasPrefix($0) }, "\(line)")
      }
    }
    #expect(metrics.text.contains("nacre_generation_requests_total{generation=\"7\",class=\"2xx\"} 1\n"))
    #expect(metrics.text.contains("nacre_reloads_total{way=\"cold start\",verdict=\"promoted\"} 2\n"))
    #expect(metrics.text.contains("nacre_answers_total{status=\"503\"} 4\n"))
  }
}
