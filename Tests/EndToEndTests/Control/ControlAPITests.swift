import Foundation
import Glibc
import Testing

/// The calls of the control API, on a server that really reloads.
@Suite(.lane) struct ControlAPITests {
  @Test func statusTellsWhatRuns() throws {
    try Site.chained().steer { server throws in
      let status = try server.document("/v1/status")
      #expect(status["state"] as? String == "serving")
      #expect(status["addresses"] as? [String] == ["http://127.0.0.1:\(server.port)/"])
      #expect(status["name"] as? String == "app.psgi")
      #expect(status["directory"] as? String == server.site.path)
      #expect(status["environment"] as? String == "development")
      #expect(status["pid"] as? Int == Int(server.process.pid))
      let generation = try #require(status["generation"] as? [String: Any])
      #expect(generation["number"] as? Int == 1)
      #expect(generation["files"] as? Int == 4)
      #expect(generation["pinned"] as? Bool == false)
      let workers = try #require(generation["workers"] as? [[String: Any]])
      #expect(workers.count == 2)
      // A worker counts when its answer is on its way.
      #expect(
        try eventually {
          let generation = try server.document("/v1/status")["generation"] as? [String: Any]
          let workers = generation?["workers"] as? [[String: Any]] ?? []
          return workers.reduce(0) { $0 + ($1["requests"] as? Int ?? 0) } == 1
        })
      for worker in workers { #expect(kill(pid_t(worker["pid"] as? Int ?? 0), 0) == 0) }
      let checkpoints = try #require(generation["checkpoints"] as? [[String: Any]])
      #expect(checkpoints.first?["file"] as? String == server.site.absolute("app.psgi"))
    }
  }

  @Test func aSaveIsAReloadWithFilesWayCheckpointAndPhases() throws {
    try Site.chained().steer { server throws in
      try server.site.edit("lib/Two.pm", "'two '", "'TWO '")
      #expect(try server.text() == "one a TWO a")
      let reloads = try server.reloads()
      #expect(reloads.map { $0["trigger"] as? String } == ["save", "start"])
      let reload = try #require(reloads.first)
      #expect(reload["generation"] as? Int == 2)
      #expect(reload["way"] as? String == "rewind")
      #expect(reload["verdict"] as? String == "promoted")
      #expect(reload["files"] as? [String] == [server.site.absolute("lib/Two.pm")])
      let loaded = try #require(reload["loadedFiles"] as? [String])
      #expect(reload["loaded"] as? Int == loaded.count)
      #expect(loaded.last == server.site.absolute("lib/Two.pm"))
      let checkpoint = try #require(reload["checkpoint"] as? [String: Any])
      #expect(checkpoint["file"] as? String == loaded.first)
      let phases = try #require(reload["phases"] as? [String: Double])
      #expect(Set(phases.keys) == ["settle", "decide", "fork", "load", "workers", "promotion", "total"])
      #expect(reloads.last?["way"] as? String == "cold start")
    }
  }

  @Test func theTimelineTellsWhatTookTimeInWhichProcess() throws {
    try Site.chained().steer { server throws in
      try server.site.edit("lib/Two.pm", "'two '", "'TWO '")
      #expect(try server.text() == "one a TWO a")
      // The load tells after it has served.
      #expect(try eventually { (try server.timeline()?["files"] as? [Any])?.isEmpty == false })
      let timeline = try #require(try server.timeline())
      let steps = try #require(timeline["steps"] as? [[String: Any]])
      let names = steps.compactMap { $0["name"] as? String }
      #expect(names.filter { $0 != "worker" } == ["settle", "decide", "fork", "re-open", "load", "promote"])
      #expect(names.contains("worker"))
      let start = try #require(timeline["start"] as? Int)
      #expect(steps.allSatisfy { ($0["start"] as? Int ?? 0) >= start })
      let files = try #require(timeline["files"] as? [[String: Any]])
      #expect(files.contains { $0["name"] as? String == server.site.absolute("lib/Two.pm") })
      let loader = steps.first { $0["name"] as? String == "load" }?["pid"] as? Int
      #expect(files.allSatisfy { $0["pid"] as? Int == loader })
      // Two.pm loads it.
      #expect((timeline["libraries"] as? [String: Any])?["count"] as? Int == 1)
    }
  }

  @Test func theTraceIsAFileThatViewersOpen() throws {
    try Site.chained().steer { server throws in
      #expect(try eventually { (try server.timeline()?["files"] as? [Any])?.isEmpty == false })
      let file = server.site.notes + "/trace.json"
      let run = try server.nacre("log", "--trace", file, "-p", "\(server.port)")
      #expect(run.end == .code(0), "\(run)")
      let data = try #require(FileManager.default.contents(atPath: file))
      let trace = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      let events = try #require(trace["traceEvents"] as? [[String: Any]])
      #expect(events.allSatisfy { $0["pid"] is Int && $0["tid"] is Int && $0["ts"] is Int && $0["name"] is String })
      let loads = events.filter { $0["cat"] as? String == "source" }.compactMap { $0["name"] as? String }
      #expect(loads.contains(server.site.absolute("lib/Deep.pm")))
      #expect(events.contains { $0["name"] as? String == "worker" })
    }
  }

  @Test func aRejectedSaveTellsFileLineMessageAndChain() throws {
    try Site.chained().steer { server throws in
      try server.site.write("lib/Deep.pm", "package Deep;\nsub word { die die } }\n1;")
      #expect(try server.ask().status == 500)
      let reload = try #require(try server.reloads().first)
      #expect(reload["verdict"] as? String == "rejected")
      let error = try #require(reload["error"] as? [String: Any])
      #expect(error["cause"] as? String == "died")
      #expect(error["file"] as? String == server.site.absolute("lib/Deep.pm"))
      #expect(error["line"] as? Int == 2)
      #expect((error["message"] as? String)?.contains("Unmatched right curly bracket") == true)
      let chain = try #require(error["chain"] as? [[String: Any]])
      #expect(
        chain.map { $0["file"] as? String } == ["app.psgi", "lib/One.pm", "lib/Deep.pm"].map(server.site.absolute))
      let status = try server.document("/v1/status")
      #expect(status["state"] as? String == "failing")
      #expect((status["failure"] as? [String: Any])?["line"] as? Int == 2)
    }
  }

  @Test func hangUpAndControlAreTriggers() throws {
    try Site.chained().steer { server throws in
      #expect(try server.control("POST", "/v1/reload").status == 200)
      server.process.send(SIGHUP)
      #expect(try eventually { try server.reloads().count == 3 })
      #expect(try server.reloads().map { $0["trigger"] as? String } == ["HUP", "control", "start"])
      #expect(try server.reloads().first?["way"] as? String == "respawn")
    }
  }

  @Test func socketsThatTheLoadOpenedAreNamed() throws {
    let site = try Site([
      "app.psgi": Site.app("'x'", using: "use Db;"),
      "lib/Db.pm": """
      package Db; use IO::Socket::INET;
      our $socket = IO::Socket::INET->new(Listen => 1, LocalAddr => '127.0.0.1') or die; 1;
      """,
    ])
    try site.serve { server throws in
      #expect(try server.text() == "x")
      let sockets = try #require(try server.reloads().first?["sockets"] as? [[String: Any]])
      #expect(sockets.count == 1)
      #expect(sockets.first?["file"] as? String == site.absolute("lib/Db.pm"))
      #expect((sockets.first?["description"] as? String)?.contains("127.0.0.1") == true)
    }
  }

  @Test func reloadAnswersWhenTheOutcomeIsKnown() throws {
    let site = try Site.chained()
    var options = ServerOptions.production
    options.arguments = ["--reload", "off"]
    try site.serve(options) { server throws in
      #expect(try server.text() == "one a two a")
      try site.edit("lib/Deep.pm", "'a'", "'b'")
      let done = try server.document("/v1/reload", method: "POST")
      #expect(done["outcome"] as? String == "promoted")
      #expect(done["generation"] as? Int == 2)
      #expect(try server.text() == "one b two b", "at once, for the outcome is known\n\(server)")
      try site.edit("lib/Deep.pm", "'b'", "'b")
      let failed = try server.control("POST", "/v1/reload")
      #expect(failed.status == 422)
      #expect(failed.text.contains("\"outcome\" : \"rejected\""))
      #expect(failed.text.contains("Deep.pm"))
      #expect(try server.text() == "one b two b")
      try site.edit("lib/Deep.pm", "'b", "'b'")
      #expect(try server.document("/v1/reload", method: "POST")["outcome"] as? String == "forgiven", "\(server)")
    }
  }

  @Test(arguments: ["/v1/reload?cold=1", "/v1/reload"]) func coldReloadHasANewPerl(_ target: String) throws {
    try Site.chained().steer { server throws in
      let before = Set(server.perlProcesses)
      let body = target.contains("?") ? nil : "{\"cold\": true}"
      let answer = try server.control("POST", target, body: body)
      #expect(answer.status == 200, "\(answer.text)")
      #expect(answer.text.contains("\"way\" : \"cold start\""))
      // The base is new: of the old processes only the kept mold is left.
      #expect(eventually { before.intersection(server.perlProcesses).count <= 1 }, "\(server)")
      #expect(try server.text() == "one a two a")
    }
  }

  @Test func stopFinishesTheRequestsInHand() throws {
    let site = try Site(["app.psgi": Site.app("do { sleep 1; 'done' }")])
    try site.serve { server throws in
      #expect(server.logs("serves app.psgi"))
      let connection = try server.connect()
      try connection.request()
      #expect(
        try eventually {
          let generation = try server.document("/v1/status")["generation"] as? [String: Any]
          let workers = generation?["workers"] as? [[String: Any]] ?? []
          return workers.contains { $0["state"] as? String == "busy" }
        })
      #expect(try server.control("POST", "/v1/stop").status == 202)
      #expect(try server.document("/v1/status")["state"] as? String == "stopping")
      for call in ["/v1/reload", "/v1/rollback"] {
        let refused = try server.control("POST", call)
        #expect(refused.status == 503 && refused.text.contains("The server is stopping."), "\(refused)")
      }
      #expect(try connection.response().text == "done")
      #expect(server.process.waitForEnd() == .code(0))
      #expect(access(server.controlSocket, F_OK) != 0)
    }
  }

  @Test func mistakesAreOneSentenceEach() throws {
    try Site.chained().steer { server throws in
      for (method, target, body, status, word) in [
        ("GET", "/", nil, 404, "GET /v1/status"), ("GET", "/v2/status", nil, 404, "There is no /v2/status"),
        ("GET", "/v1/reload", nil, 405, "takes POST, not GET"), ("DELETE", "/v1/status", nil, 405, "takes GET"),
        ("POST", "/v1/reload", "{", 400, "not JSON"), ("POST", "/v1/reload?cold=maybe", nil, 400, "cold takes 1 or 0"),
        ("GET", "/v1/generations?last=many", nil, 400, "last takes a number"),
        ("GET", "/v1/why", nil, 400, "Name the file"),
        ("POST", "/v1/reload", String(repeating: " ", count: 70_000), 413, "longer than"),
        ("POST", "/v1/rollback", nil, 409, "nothing to roll back to"),
      ] as [(String, String, String?, Int, String)] {
        let answer = try server.control(method, target, body: body)
        #expect(answer.status == status, "\(method) \(target)")
        #expect(answer["Content-Type"] == "application/json")
        #expect(answer.text.contains(word), "\(answer.text)")
        if status == 405 { #expect(answer["Allow"] != nil) }
      }
      #expect(try server.text() == "one a two a")
    }
  }

  @Test func eventsTellOfEverythingThatHappens() throws {
    let site = try Site.chained()
    try site.serve { server throws in
      #expect(try server.text() == "one a two a")
      let events = try Connection(path: server.controlSocket)
      try events.request("GET", "/v1/events")
      #expect(try events.responseHead()["Content-Type"] == "text/event-stream")
      try site.edit("lib/Deep.pm", "'a'", "'b'")
      #expect(try server.text() == "one b two b")
      try site.edit("lib/Deep.pm", "'b'", "'b")
      #expect(try server.ask().status == 500)
      try site.edit("lib/Deep.pm", "'b", "'b'")
      #expect(try server.text() == "one b two b")
      #expect(try server.control("POST", "/v1/rollback").status == 200)
      let workers = try server.document("/v1/status")["generation"] as? [String: Any]
      let pid = try #require((workers?["workers"] as? [[String: Any]])?.first?["pid"] as? Int)
      kill(pid_t(pid), SIGKILL)
      #expect(server.logs("worker \(pid)"))
      #expect(try server.control("POST", "/v1/stop").status == 202)
      #expect(server.process.waitForEnd() == .code(0))
      var stream = ""
      while case let bytes = try events.readSome(), !bytes.isEmpty { stream += String(decoding: bytes, as: UTF8.self) }
      let names = stream.split(separator: "\n").filter { $0.hasPrefix("event: ") }.map { $0.dropFirst(7) }
      #expect(
        names == [
          "reload", "promoted", "reload", "rejected", "forgiven", "reload", "rollback", "worker-died", "stopping",
        ], "\(stream)")
      #expect(stream.contains("\"text\":\"was killed by signal 9 (SIGKILL)\""))
    }
  }

  @Test func whyNamesBothChainsOfAFileThatIsUsedTwice() throws {
    try Site.chained().steer { server throws in
      let site = server.site
      let why = try server.document("/v1/why?file=\(site.absolute("lib/Deep.pm"))")
      #expect(why["way"] as? String == "rewind")
      let files = try #require(why["loadedFiles"] as? [String])
      #expect(files.suffix(2) == [site.absolute("lib/Deep.pm"), site.absolute("lib/Two.pm")])
      let chains = try #require(why["chains"] as? [[[String: Any]]])
      let places = chains.map { $0.map { "\($0["file"] as? String ?? ""):\($0["line"] as? Int ?? 0)" } }
      #expect(
        places == [
          [site.absolute("app.psgi") + ":2", site.absolute("lib/One.pm") + ":2"],
          [site.absolute("app.psgi") + ":3", site.absolute("lib/Two.pm") + ":3"],
        ])
      // And it is so.
      try site.edit("lib/Deep.pm", "'a'", "'b'")
      #expect(try server.text() == "one b two b")
      #expect(try server.reloads().first?["loadedFiles"] as? [String] == files)
      #expect(try server.document("/v1/why?file=Deep")["file"] as? String == site.absolute("lib/Deep.pm"))
      #expect(try server.document("/v1/why?file=/etc/passwd")["way"] as? String == "nothing")
      #expect(try server.document("/v1/why?file=\(site.absolute("x.tt"))")["way"] as? String == "respawn")
    }
  }
}
