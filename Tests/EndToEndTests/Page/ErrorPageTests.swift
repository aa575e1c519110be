import Foundation
import Testing

/// What the error page tells, and to whom.
@Suite(.lane) struct ErrorPageTests {
  private let html = ["Accept: text/html,application/xhtml+xml,*/*;q=0.8"]

  private func site(_ part: String = "package Part; sub word { 'good' } 1;") throws -> Site {
    try Site([
      "app.psgi": Site.app("Part::word() . \" for $env->{PATH_INFO}\"", using: "use Whole;"),
      "lib/Whole.pm": "package Whole;\nuse Part;   # nothing else\n1;\n", "lib/Part.pm": part,
    ])
  }

  private let broken = "package Part;\nuse strict;\n\nsub word { $first }\n\nsub other { $second <=> 1 }\n1;\n"

  @Test func pageHasTheSourceTheFurtherErrorsAndTheWayThere() throws {
    let site = try site()
    try site.serve { server in
      #expect(try server.text().hasPrefix("good"))
      try site.write("lib/Part.pm", broken)
      let page = try server.ask(headers: html)
      #expect(page.status == 500)
      #expect(page.text.contains("<h1>Global symbol &quot;$first&quot; requires"), "\(page.text)")
      #expect(page.text.contains("<span>4</span> <code>sub word { $first }</code>"), "\(page.text)")
      #expect(page.text.contains("<a href=\"#L6\">line 6</a> Global symbol &quot;$second&quot;"), "\(page.text)")
      #expect(page.text.contains("<code>sub other { $second &lt;=&gt; 1 }</code>"), "\(page.text)")
      #expect(page.text.contains("<code>use Part;   # nothing else</code>"), "\(page.text)")
      #expect(page.text.contains("<span>\(site.path)/</span>lib/Part.pm:4</span>"), "\(page.text)")
      #expect(page.text.contains("Generation 1, running since"), "\(page.text)")
      #expect(page["Cache-Control"] == "no-store")
      let policy = page["Content-Security-Policy"] ?? ""
      let nonce = policy.split(separator: "'").first { $0.hasPrefix("nonce-") }?.dropFirst(6) ?? ""
      #expect(policy.hasPrefix("default-src 'none'; script-src 'nonce-\(nonce)'") && nonce.count > 15, "\(policy)")
      #expect(page.text.contains("<script nonce=\"\(nonce)\">") && page.text.contains("<style nonce=\"\(nonce)\">"))
      #expect(page["Date"]?.hasSuffix(" GMT") == true)
      #expect(server.log.contains("     sub word { $first }\n"), "\(server)")
    }
  }

  @Test func sourceMayHoldAnything() throws {
    let site = try site()
    try site.serve { server in
      let junk = Array("package Part;\n# Gr".utf8) + [0xFC, 0xDF, 0x65] + Array(" <b>\u{1b}[1m\0\n".utf8)
      let long = Array("# \(String(repeating: "x", count: 1_000_000))\n".utf8)
      try site.write("lib/Part.pm", junk + long + Array("die 'here';\n".utf8))
      let page = try server.ask(headers: html).text
      #expect(page.contains("<code># Grüße &lt;b&gt;\u{241B}[1m\u{2400}</code>"), "\(page)")
      #expect(page.contains("x …</code>"))
      #expect(page.contains("<code>die &#39;here&#39;;</code>"), "\(page)")
      #expect(page.utf8.count < 100_000)
    }
  }

  @Test func hugeFileCostsNoExcerptAndNothingElse() throws {
    let site = try site()
    try site.serve { server in
      try site.write("lib/Part.pm", "die 'here';\n" + String(repeating: "# a line of a huge file\n", count: 300_000))
      let page = try server.ask(headers: html).text
      #expect(page.contains("<h1>here</h1>"), "\(page.prefix(5000))")
      #expect(!page.contains("huge file"))
    }
  }

  @Test func scriptsGetText() throws {
    let site = try site(broken)
    try site.serve { server in
      for accept in ["Accept: */*", "Accept: application/json, text/plain, */*", "X-None: 1"] {
        let answer = try server.ask(headers: [accept, "User-Agent: Mozilla/5.0"])
        #expect(answer.status == 500)
        #expect(answer["Content-Type"]?.hasPrefix("text/plain") == true)
        #expect(answer.text.contains("> 4 | sub word { $first }"), "\(answer.text)")
      }
      let head = try server.ask("HEAD", headers: html)
      #expect(head.status == 500 && head.body.isEmpty && (head["Content-Length"].flatMap(Int.init) ?? 0) > 1000)
      let form = try server.ask("POST", headers: html, body: Array("x=1".utf8))
      #expect(form.text.contains("send the form again"))
    }
  }

  @Test func streamTellsWhatBecomesOfTheCode() throws {
    let site = try site(broken)
    try site.serve { server in
      let page = try server.ask(headers: html).text
      let listener = try server.connect()
      try listener.request("GET", "/.nacre/events", headers: ["Accept: text/event-stream"])
      #expect(try listener.responseHead()["Content-Type"] == "text/event-stream; charset=utf-8")
      let first = try listener.event()
      #expect(first.hasPrefix("failed ") && page.contains("data-state=\"\(first)\""), "\(first)")
      try site.write("lib/Part.pm", "package Part; die 'otherwise';")
      let second = try listener.event(besides: "loading")
      #expect(second.hasPrefix("failed ") && second != first)
      try site.write("lib/Part.pm", "package Part; sub word { 'good' } 1;")
      #expect(try listener.event(besides: "loading") == "good")
      #expect(try server.text().hasPrefix("good"))
    }
  }

  @Test func streamBeginsOnAConnectionThatAWorkerHasKept() throws {
    let site = try site()
    try site.serve { server in
      let connection = try server.connect()
      #expect(try connection.exchange().text.hasPrefix("good"))
      try connection.request("GET", "/.nacre/events")
      #expect(try connection.responseHead()["Content-Type"] == "text/event-stream; charset=utf-8")
      #expect(try connection.event() == "good")
    }
  }

  @Test func openStreamsDoNotKeepTheServerFromStopping() throws {
    let site = try site()
    try site.serve { server in
      let listener = try server.connect()
      try listener.request("GET", "/.nacre/events")
      _ = try listener.responseHead()
      #expect(try listener.event(besides: "loading") == "good")
      server.process.send(SIGTERM)
      // Far less than the time that requests in flight are given.
      #expect(server.process.waitForEnd(within: 15) == .code(0), "\(server)")
    }
  }

  @Test func productionPassesThePathToTheApplication() throws {
    let site = try site()
    try site.serve(.production) { server in
      #expect(try server.text("/.nacre/events") == "good for /.nacre/events")
      let connection = try server.connect()
      for _ in 0..<2 { #expect(try connection.exchange("GET", "/.nacre/events").text == "good for /.nacre/events") }
    }
  }

  @Test func productionTellsTheWorldNothing() throws {
    let site = try site()
    var options = ServerOptions.production
    options.arguments = ["--hold", "1"]
    try site.serve(options) { server in
      #expect(try server.text().hasPrefix("good"))
      try site.write("lib/Part.pm", broken)
      #expect(server.logs("sub word { $first }"), "the terminal has everything\n\(server)")
      #expect(try server.text().hasPrefix("good"))
      // Nobody is left to serve, and nothing to make anybody from.
      for pid in server.perlProcesses { kill(pid, SIGKILL) }
      let answer = try firstValue { () -> Response? in
        let answer = try? server.ask(headers: html)
        return answer?.status == 503 ? answer : nil
      }
      #expect(answer["Retry-After"] != nil)
      for secret in ["Part", "first", "lib/", site.path, "perl", ".psgi"] {
        #expect(!answer.text.contains(secret), "\(answer.text)")
      }
    }
  }
}

extension Connection {
  /// The next event of a stream, heartbeats and the time to wait passed over; `besides` is passed over, too.
  fileprivate func event(besides other: String? = nil) throws -> String {
    while true {
      let line = try line("\n")
      guard line.hasPrefix("data: ") else { continue }
      let data = String(line.dropFirst(6))
      if data != other { return data }
    }
  }
}
