import Foundation
import Glibc
import Testing

/// A server that has nothing to do.
@Suite(.lane, .slow) struct RestTests {
  /// Longer than any interval at which nacre used to look at something.
  @Test(arguments: ["development", "production"]) func nothingWakesAServerAtRest(_ environment: String) throws {
    let site = try Site.ofModules(20)
    try site.serve(ServerOptions(environment: environment)) { server in
      _ = try server.text()
      try site.write("lib/M7.pm", Site.module(7, 1))
      #expect(server.logs("generation 2 by rewind"), "\(server)")
      _ = try server.text()
      // Whatever follows a reload or a closed connection may take a while: one quiet stretch is what counts.
      var woken: [pid_t: Int] = [:]
      for _ in 0..<4 {
        let before = server.allProcesses.map { ($0, Figures.naps(of: $0)) }
        sleep(11)
        woken = Dictionary(before.map { ($0, Figures.naps(of: $0) - $1) }, uniquingKeysWith: +).filter { $1 != 0 }
        if woken.isEmpty { break }
      }
      #expect(woken.isEmpty, "woken processes, and how often: \(woken); nacre is \(server.process.pid)\n\(server)")
    }
  }
}
