import Foundation
import Testing

/// Back to the code that ran before, with a server that really runs it.
@Suite(.lane) struct RollBackTests {
  private let options = [ServerOptions.development, .production]

  /// Saves `word` and waits for the answer that shows it.
  private func save(_ word: String, over old: String, _ server: Server) throws {
    try server.site.edit("lib/Deep.pm", "'\(old)'", "'\(word)'")
    #expect(try eventually { try server.text() == "one \(word) two \(word)" }, "\(server)")
  }

  @Test(arguments: [ServerOptions.development, .production])
  func holdsUntilTheNextSave(_ options: ServerOptions) throws {
    try Site.chained().steer(options) { server throws in
      try save("b", over: "a", server)
      let done = try server.nacre("rollback")
      #expect(done.end == .code(0), "\(done)")
      #expect(done.output == "generation 3 by roll back: the code of generation 1 again\n")
      #expect(
        server.logs(
          "generation 3 by roll back: the code of generation 1 again, until the next save or `nacre reload`"),
        "\(server)")
      #expect(try server.text() == "one a two a")
      let status = try server.document("/v1/status")["generation"] as? [String: Any]
      #expect(status?["pinned"] as? Bool == true)
      #expect(status?["number"] as? Int == 3)
      #expect(status?["loadedAs"] as? Int == 1)
      // Written again as it is, or touched: no change.
      try server.site.write("lib/Deep.pm", server.site.read("lib/Deep.pm"))
      try server.site.write("lib/Unused.pm", "1;")
      for _ in 0..<5 { #expect(try server.text() == "one a two a", "\(server)") }
      try save("c", over: "b", server)
      #expect((try server.document("/v1/status")["generation"] as? [String: Any])?["pinned"] as? Bool == false)
    }
  }

  @Test func aSaveOfAFileThatOnlyTheNewerCodeUsesEndsIt() throws {
    try Site.chained().steer { server throws in
      try server.site.write("lib/New.pm", "package New; sub word { 'n' } 1;")
      try server.site.write("lib/Deep.pm", "package Deep;\nuse New; sub word { New::word() } 1;")
      #expect(try server.text() == "one n two n")
      #expect(try server.nacre("rollback").end == .code(0))
      #expect(try server.text() == "one a two a")
      try server.site.edit("lib/New.pm", "'n'", "'N'")
      #expect(try server.text() == "one N two N", "\(server)")
    }
  }

  @Test func nacreReloadGoesOnToTheDisk() throws {
    try Site.chained().steer { server throws in
      try save("b", over: "a", server)
      #expect(try server.nacre("rollback").end == .code(0))
      #expect(try server.text() == "one a two a")
      let done = try server.nacre("reload")
      #expect(done.output.hasPrefix("generation 4 by rewind in "), "\(done)")
      #expect(try server.text() == "one b two b")
    }
  }

  @Test func aSecondOneUndoesTheFirst() throws {
    try Site.chained().steer { server throws in
      try save("b", over: "a", server)
      #expect(try server.nacre("rollback").end == .code(0))
      #expect(try server.text() == "one a two a")
      #expect(try server.nacre("rollback").output == "generation 4 by roll back: the code of generation 2 again\n")
      #expect(try server.text() == "one b two b")
      // That is what the disk has: a save is a save again.
      try save("c", over: "b", server)
    }
  }

  @Test func whileBrokenItEndsTheFailureAnswers() throws {
    try Site.chained().steer { server throws in
      try save("b", over: "a", server)
      try server.site.edit("lib/Deep.pm", "'b'", "'b")
      #expect(try server.ask().status == 500)
      let done = try server.nacre("rollback")
      #expect(done.output == "generation 2 answers again in place of the failure\n", "\(done)")
      let words = "rolled back: generation 2 answers again, until the next save or `nacre reload`"
      #expect(server.logs(words), "\(server)")
      for _ in 0..<5 { #expect(try server.text() == "one b two b", "\(server)") }
      // A step further back.
      #expect(try server.nacre("rollback").output == "generation 3 by roll back: the code of generation 1 again\n")
      #expect(try server.text() == "one a two a")
      try server.site.edit("lib/Deep.pm", "'b", "'c'")
      #expect(try server.text() == "one c two c", "\(server)")
    }
  }

  @Test func inProductionWhileBrokenItGoesToTheCodeBefore() throws {
    try Site.chained().steer(.production) { server throws in
      try save("b", over: "a", server)
      try server.site.edit("lib/Deep.pm", "'b'", "'b")
      #expect(server.logs("generation 3 rejected"))
      #expect(try server.nacre("rollback").end == .code(0))
      #expect(try server.text() == "one a two a")
      #expect(try server.document("/v1/status")["failure"] == nil)
    }
  }

  @Test func requestsInHandAndKeptConnectionsAreServed() throws {
    try Site.chained().steer { server throws in
      let kept = try server.connect()
      #expect(try kept.exchange().text == "one a two a")
      try save("b", over: "a", server)
      #expect(try kept.exchange().text == "one b two b")
      #expect(try server.nacre("rollback").end == .code(0))
      #expect(try kept.exchange().text == "one a two a", "\(server)")
    }
  }

  @Test func workersThatDieAreReplacedFromTheOlderCode() throws {
    try Site.chained().steer { server throws in
      try save("b", over: "a", server)
      #expect(try server.nacre("rollback").end == .code(0))
      let generation = try server.document("/v1/status")["generation"] as? [String: Any]
      let pids = (generation?["workers"] as? [[String: Any]] ?? []).compactMap { $0["pid"] as? Int }
      #expect(pids.count == 2)
      for pid in pids { kill(pid_t(pid), SIGKILL) }
      for _ in 0..<5 { #expect(try server.text() == "one a two a", "\(server)") }
    }
  }

  @Test func withNothingKeptIsRefused() throws {
    try Site.chained().steer { server throws in
      let refused = try server.nacre("rollback")
      #expect(refused.end == .code(1))
      #expect(refused.errors == "nacre: there is nothing to roll back to: no other generation than 1 is kept.\n")
      #expect(try server.text() == "one a two a")
    }
  }
}
