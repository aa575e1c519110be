import ArgumentParser
import Supervision
import Testing

@testable import nacre

/// Every sentence about a value that an option does not take.
@Suite struct RefusalTests {
  /// What `nacre` says about these arguments; nil if they are fine.
  private func complaint(_ arguments: [String]) -> String? {
    do {
      _ = try ServeOptions.parse(ServeOptions.translated(arguments).arguments)
      return nil
    } catch let error as StartupError { return error.description } catch { return ServeOptions.message(for: error) }
  }

  @Test(arguments: [
    ("-w 251", "-w takes 1 to 250 workers, not 251"), ("--checkpoints 0", "--checkpoints takes a number from 1 to 200"),
    ("--checkpoints 201", "not 201"), ("--hold 0", "--hold takes 1 to 86400 seconds, not 0"),
    ("--load-timeout 86401", "--load-timeout takes 1 to 86400 seconds, not 86401"),
    ("--timeout=-1", "--timeout takes 0 to 86400 seconds, not -1"),
    ("--drain=-1", "--drain takes 0 to 86400 seconds, not -1"),
    ("--max-requests=-1", "--max-requests takes 0 to 1000000000, not -1"),
    ("--backlog 0", "--backlog takes 1 to 65535, not 0"),
    ("--keepalive-timeout 0", "--keepalive-timeout takes 1 to 86400 seconds, not 0"),
    ("--read-timeout 86401", "--read-timeout takes 1 to 86400 seconds, not 86401"),
    ("--socket-mode 888", "--socket-mode takes an octal number such as 660, not '888'"),
    ("-l localhost:http", "'http' is no port"), ("--control ", "--control takes a path, or off"),
    ("--poll 0.01", "--poll takes 0.02 to 3600 seconds, not 0.01"),
    ("--poll 3601", "--poll takes 0.02 to 3600 seconds, not 3601"),
    ("--touch-file ", "--touch-file takes a file, not an empty word"),
    ("--reload touch", "--reload touch needs --touch-file PATH"),
    ("--reload auto --touch-file t", "--touch-file goes with --reload touch, not with --reload auto"),
    ("--reload-modules My/App.pm", "--reload-modules takes names such as My::App, My::* or My*, not 'My/App.pm'"),
    ("-E a/b", "-E takes a word such as development or deployment, not 'a/b'"),
    ("-M 1;system", "-M takes a module's name, not '1;system'"),
    ("--path shop", "--path takes a path from the root, not 'shop'"),
    ("-a one.psgi two.psgi", "give the application once: with -a or without"),
    ("-R", "-R needs a value (nacre --help tells more)"), ("--max-workers", "--max-workers needs a value"),
  ]) func valueThatIsNotTakenIsNamed(_ arguments: String, _ sentence: String) {
    let words = arguments.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let said = complaint(words)
    #expect(said?.contains(sentence) == true, "\(said ?? "nothing")")
  }

  @Test(arguments: [
    "-w 250", "--checkpoints 200", "--hold 86400", "--load-timeout 1", "--timeout 0", "--drain 0", "--max-requests 0",
    "--backlog 65535", "--keepalive-timeout 1", "--read-timeout 86400", "--socket-mode 0660", "--poll 0.02",
    "--control off", "-E a_b-c", "--path /", "--reload auto",
  ]) func valuesAtTheBoundsAreTaken(_ arguments: String) {
    #expect(complaint(arguments.split(separator: " ").map(String.init)) == nil)
  }

  @Test func backlogAndModeGoToTheSockets() throws {
    let options = try ServeOptions.parse(["--backlog", "7", "--socket-mode", "640"])
    let settings = options.listen.socketSettings(owner: nil)
    #expect(settings.backlog == 7 && settings.mode == 0o640)
  }

  @Test func commandIsForOneServer() {
    #expect(throws: (any Error).self) { try StopCommand.parse(["-p", "1", "--control", "/x"]) }
    do { _ = try StatusCommand.parse(["-p", "1", "--control", "/x"]) } catch {
      #expect(StatusCommand.message(for: error) == "give the server once: with -p or with --control")
    }
  }
}
