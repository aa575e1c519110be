import Foundation
import Glibc
import Testing

/// `nacre status`, `reload`, `rollback`, `stop`, `why` and `log`, as a person types them.
@Suite(.lane) struct SteeringCommandTests {
  @Test func statusIsShortAndAligned() throws {
    try Site.chained().steer { server throws in
      try server.site.edit("lib/Deep.pm", "'a'", "'b'")
      #expect(try server.text() == "one b two b")
      let status = try server.nacre("status")
      #expect(status.end == .code(0), "\(status)")
      let lines = status.output.split(separator: "\n")
      #expect(lines[0].hasPrefix("server      http://127.0.0.1:\(server.port)/  app.psgi, development, pid "))
      #expect(lines[2] == "state       serving")
      #expect(lines[3].hasPrefix("generation  2, 4 source files, "))
      #expect(lines[4].hasPrefix("workers     2 of 2, 0 busy, "))
      #expect(lines[5] == "kept        generation 1: nacre rollback")
      #expect(lines[6].contains("generation 2 by rewind in ") && lines[6].hasSuffix("ms: lib/Deep.pm"))
      #expect(lines.count == 8)
    }
  }

  @Test func statusAsJSONIsTheDocument() throws {
    try Site.chained().steer { server throws in
      let status = try server.nacre("status", "--json")
      let document = try JSONSerialization.jsonObject(with: Data(status.output.utf8)) as? [String: Any]
      #expect(document?["state"] as? String == "serving")
    }
  }

  @Test func reloadTellsWhatItDid() throws {
    let site = try Site.chained()
    var options = ServerOptions.development
    options.arguments = ["--reload", "off"]
    try site.steer(options) { server throws in
      #expect(try server.nacre("reload").output.hasSuffix(": new workers, nothing had changed\n"))
      try site.edit("lib/Two.pm", "'two '", "'TWO '")
      let done = try server.nacre("reload")
      #expect(done.output.hasPrefix("generation 3 by rewind in ") && done.output.hasSuffix(": lib/Two.pm\n"), "\(done)")
      #expect(try server.text() == "one a TWO a")
      try site.edit("lib/Two.pm", "'TWO '", "'TWO ")
      let failed = try server.nacre("reload")
      #expect(failed.end == .code(1))
      let lines = failed.errors.split(separator: "\n")
      #expect(lines.first == "nacre: generation 4 rejected. lib/Two.pm could not be loaded.", "\(failed)")
      #expect(lines.contains("  at lib/Two.pm:4"))
      #expect(lines.contains("  used at app.psgi:3"))
      #expect(lines.last == "  Generation 3 is still there.")
      let cold = try server.nacre("reload", "--cold")
      #expect(cold.end == .code(1))
      try site.edit("lib/Two.pm", "'TWO ", "'Two '")
      #expect(try server.nacre("reload", "--cold").output.hasPrefix("generation 4 by cold start in "))
      #expect(try server.text() == "one a Two a")
    }
  }

  @Test func whyIsReadable() throws {
    try Site.chained().steer { server throws in
      let why = try server.nacre("why", "lib/Deep.pm")
      let lines = why.output.split(separator: "\n")
      #expect(lines.first?.hasPrefix("lib/Deep.pm: a change loads ") == true, "\(why)")
      #expect(lines.contains("  loaded by  lib/One.pm:2 < app.psgi:2"))
      #expect(lines.contains("  used by    lib/Two.pm:3 < app.psgi:3"))
      #expect(try server.nacre("why", "Deep").output == why.output)
      #expect(try server.nacre("why", "Text::Abbrev").output.contains("Abbrev.pm: a change leads to nothing."))
      #expect(try server.nacre("why", "No::Such").output.contains("has not loaded it"))
      #expect(try server.nacre("why", "page.tt").output.contains("new workers of the same code (respawn)"))
      #expect(try server.nacre("why").end == .code(2))
    }
  }

  @Test func stopWaitsForTheEnd() throws {
    try Site.chained().steer { server throws in
      let done = try server.nacre("stop")
      #expect(done.output == "stopped (pid \(server.process.pid))\n")
      #expect(server.process.waitForEnd() == .code(0))
      let none = try server.nacre("status")
      #expect(none.end == .code(3))
      #expect(none.errors.hasPrefix("nacre: you run no server that can be controlled (looked in "))
    }
  }

  @Test(arguments: [[], ["--json"]]) func logFollowsUntilTheServerEnds(_ options: [String]) throws {
    let site = try Site.chained()
    try site.serve { server throws in
      #expect(try server.text() == "one a two a")
      let output = site.notes + "/events"
      let log = try ChildProcess(
        [Products.nacre, "log"] + options, directory: site.path,
        environment: testEnvironment.merging(site.controlVariables) { $1 }.merging(["TMPDIR": site.notes]) { $1 },
        output: output, errors: output + "-errors")
      // It follows when something comes that was asked for afterwards.
      #expect(
        try eventually {
          _ = try server.control("POST", "/v1/reload")
          return contents(of: output).contains("respawn")
        })
      try site.edit("lib/Deep.pm", "'a'", "'b")
      #expect(try server.ask().status == 500)
      #expect(eventually { contents(of: output).contains("Deep.pm could not be loaded") }, "\(contents(of: output))")
      #expect(try server.nacre("stop").end == .code(0))
      #expect(log.waitForEnd() == .code(0))
      let lines = contents(of: output).split(separator: "\n")
      if options.isEmpty {
        #expect(lines.last?.hasSuffix("  stopping") == true)
        #expect(lines.contains { $0.hasSuffix(" at lib/Deep.pm:3") || $0.hasSuffix(" at lib/Deep.pm:2") })
      } else {
        for line in lines { _ = try JSONSerialization.jsonObject(with: Data(line.utf8)) }
      }
    }
  }

  @Test func amongSeveralServersOneIsChosen() throws {
    let site = try Site.chained()
    try site.serve { one throws in
      #expect(try one.text() == "one a two a")
      var options = ServerOptions.production
      options.arguments = ["--control", site.notes + "/own/my.sock"]
      try site.serve(options) { other throws in
        // A socket of its own is not looked for.
        #expect(try site.nacre(["status"]).output.contains(":\(one.port)/"))
        #expect(
          try site.nacre(["status", "--control", site.notes + "/own/my.sock"]).output.contains(":\(other.port)/"))
      }
      try site.serve(.production) { other throws in
        let unclear = try site.nacre(["status"])
        #expect(unclear.end == .code(2))
        let lines = unclear.errors.split(separator: "\n")
        #expect(lines.first == "nacre: you run several servers: choose one with")
        #expect(lines.contains { $0.hasPrefix("  -p \(one.port)   app.psgi in \(site.path), pid \(one.process.pid)") })
        #expect(lines.contains { $0.hasPrefix("  -p \(other.port)   ") })
        #expect(try site.nacre(["status", "-p\(other.port)"]).output.contains("production"))
        #expect(try site.nacre(["stop", "-p", "\(other.port)"]).end == .code(0))
        #expect(other.process.waitForEnd() == .code(0))
      }
      let missing = try site.nacre(["reload", "-p", "1"])
      #expect(missing.end == .code(3))
      #expect(missing.errors.hasPrefix("nacre: you run no server on port 1; there is "), "\(missing)")
      #expect(try site.nacre(["status", "--control", "/nowhere/x.sock"]).end == .code(3))
      #expect(try site.nacre(["status"]).end == .code(0))
    }
  }

  @Test(arguments: [
    ["status", "extra"], ["reload", "--hot"], ["why"], ["log", "-p", "many"], ["stop", "-p", "1", "--control", "/x"],
  ]) func wrongArgumentsAreOneSentenceAndExitCode2(_ arguments: [String]) throws {
    let run = try Site([:]).nacre(arguments)
    #expect(run.end == .code(2), "\(run)")
    #expect(run.errors.contains("nacre \(arguments[0]) --help tells more"), "\(run.errors)")
  }

  @Test(arguments: ["status", "reload", "rollback", "stop", "why", "log"])
  func eachHasHelpAndIsNamedInThatOfNacre(_ command: String) throws {
    let help = try Site([:]).nacre([command, "--help"])
    #expect(help.end == .code(0))
    #expect(help.output.contains("USAGE: nacre \(command)"), "\(help.output)")
    #expect(help.output.contains("Exit status: 0"), "\(help.output)")
    #expect(try Site([:]).nacre(["--help"]).output.contains("nacre \(command) "))
  }
}
