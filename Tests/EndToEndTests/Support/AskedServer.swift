import Testing

extension Server {
  /// Has h2load ask for `/` so many times, and does something again and again until it has ended. Every answer is to be a good
  /// one.
  func whileAsked(_ count: Int, _ way: Way, _ arguments: [String], _ body: () throws -> Void) throws {
    let output = site.notes + "/h2load-\(UInt64.random(in: .min ... .max))"
    let load = try ChildProcess(
      [try #require(Products.find("h2load"))] + (way.isHTTP2 ? [] : ["--h1"]) + ["-n", "\(count)"] + arguments
        + ["\(way.isSecure ? "https" : "http")://127.0.0.1:\(port)/"],
      directory: site.path, environment: testEnvironment, output: output, errors: output + "-errors")
    while load.ended() == nil { try body() }
    #expect(load.waitForEnd() == .code(0))
    let report = contents(of: output)
    let isWhole = report.contains("\(count) done, \(count) succeeded, 0 failed, 0 errored, 0 timeout")
    #expect(isWhole && report.contains("status codes: \(count) 2xx"), "\(report)\(self)")
  }
}
