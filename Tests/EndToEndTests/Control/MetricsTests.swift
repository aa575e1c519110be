import Testing

/// `/metrics`, as Prometheus reads it.
@Suite(.lane) struct MetricsTests {
  /// The samples by their names and labels.
  private func samples(_ text: String) -> [String: Double] {
    var samples: [String: Double] = [:]
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      let end = line.lastIndex(of: " ") ?? line.startIndex
      samples[String(line[..<end])] = Double(line[line.index(after: end)...])
    }
    return samples
  }

  private func samples(_ server: Server) throws -> [String: Double] {
    let answer = try server.control("GET", "/metrics")
    #expect(answer.status == 200 && answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
    return samples(answer.text)
  }

  @Test func requestsAreCountedByStatusAndGenerationAcrossReloads() throws {
    try Site(["app.psgi": "sub { [substr($_[0]{PATH_INFO}, 1) || 200, [], ['one']] };"]).serve { server throws in
      for path in ["/", "/", "/404", "/503", "/404"] { _ = try server.ask("GET", path) }
      try server.site.edit("app.psgi", "one", "two")
      for _ in 0..<3 { #expect(try server.text() == "two", "\(server)") }
      var seen: [String: Double] = [:]
      let isCounted = try eventually {
        seen = try samples(server)
        return seen["nacre_request_duration_seconds_count"] == 8
      }
      #expect(isCounted, "\(seen)")
      #expect(seen["nacre_requests_total{class=\"2xx\"}"] == 5)
      #expect(seen["nacre_requests_total{class=\"4xx\"}"] == 2)
      #expect(seen["nacre_requests_total{class=\"5xx\"}"] == 1)
      #expect(seen["nacre_generation_requests_total{generation=\"1\",class=\"4xx\"}"] == 2)
      #expect(seen["nacre_generation_requests_total{generation=\"2\",class=\"2xx\"}"] == 3)
      #expect(seen["nacre_generation"] == 2)
      #expect(seen["nacre_reloads_total{way=\"cold start\",verdict=\"promoted\"}"] == 1)
      #expect(seen["nacre_reloads_total{way=\"rewind\",verdict=\"promoted\"}"] == 1)
    }
  }

  @Test func connectionsWorkersMemoryAndRefusalsAreThere() throws {
    try Site(["app.psgi": Site.app("'one'")]).serve { server throws in
      let kept = try server.connect()
      _ = try kept.exchange()
      let slow = try server.connect()
      try slow.send("GET / HTTP/1.1\r\n")
      let refused = try server.connect()
      try refused.send("nonsense\r\n\r\n")
      #expect(try refused.response().status == 400)
      var seen: [String: Double] = [:]
      let isSeen = try eventually {
        seen = try samples(server)
        return seen["nacre_connections{state=\"parked\"}"] == 1 && seen["nacre_workers{state=\"idle\"}"] == 2
          && seen["nacre_connections{state=\"active\"}", default: 0] >= 1
      }
      #expect(isSeen, "\(seen)")
      #expect(seen["nacre_answers_total{status=\"400\"}"] == 1)
      #expect(seen["nacre_connections_accepted_total", default: 0] >= 3)
      for process in ["nacre", "worker", "mold", "base"] {
        #expect(seen["nacre_memory_bytes{process=\"\(process)\"}", default: 0] > 10_000, "\(process): \(seen)")
      }
      #expect(seen["nacre_checkpoints", default: 0] >= 1 && seen["nacre_queue"] == 0, "\(seen)")
    }
  }

  @Test func portOfItsOwnAnswersMetricsAndNothingElse() throws {
    let site = try Site(["app.psgi": Site.app("'one'")])
    let port = Port.free()
    var options = ServerOptions(environment: "production")
    options.arguments = ["--metrics", "127.0.0.1:\(port)", "--control", "off"]
    try site.serve(options) { server throws in
      _ = try server.ask()
      let connection = try Connection(port: port)
      #expect(try connection.exchange("GET", "/metrics").text.contains("# TYPE nacre_requests_total counter\n"))
      #expect(try connection.exchange("GET", "/v1/status").status == 404)
      #expect(try connection.exchange("POST", "/metrics").status == 405)
      #expect(try Connection(port: port).exchange("POST", "/v1/stop").status == 404)
      #expect(try server.text() == "one", "\(server)")
    }
  }
}
