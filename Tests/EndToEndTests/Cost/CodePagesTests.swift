import Foundation
import Testing

/// What was needed for the beginning only takes no memory in production.
@Suite(.lane) struct CodePagesTests {
  @Test func codeOfTheBeginningIsGivenBack() throws {
    let site = try Site(["app.psgi": Site.app("'served'")])
    try site.serve(.production) { server in
      #expect(try server.text() == "served")
      let base = try #require(server.allProcesses.first { title($0) == "nacre base" })
      for process in [server.process.pid, base] {
        #expect(eventually { codePages(process) < 6_000 }, "\(codePages(process)) kB\n\(server)")
      }
      #expect(try server.text() == "served")
    }
  }

  private func title(_ process: pid_t) -> String {
    String(contents(of: "/proc/\(process)/cmdline").prefix { $0 != "\0" })
  }

  /// In kB, counted for each process that has them.
  private func codePages(_ process: pid_t) -> Int {
    var (sum, isFile) = (0, false)
    for line in contents(of: "/proc/\(process)/smaps").split(separator: "\n") {
      if let rights = line.wholeMatch(of: /[0-9a-f]+-[0-9a-f]+ (\S+) .*/)?.1 {
        isFile = rights.contains("x") && line.contains("/")
      } else if isFile, let count = line.wholeMatch(of: /Rss: +(\d+) kB/)?.1 {
        sum += Int(count) ?? 0
      }
    }
    return sum
  }
}
