import Foundation
import Glibc
import Testing

/// Whether anything is left behind by reload after reload.
@Suite(.lane, .slow) struct GrowthTests {
  private struct State: CustomStringConvertible {
    var descriptorsOfNacre: Int
    var descriptors: Int
    var watches: Int
    var processes: Int
    var files: [String]
    /// Proportional set size of all processes, in MiB.
    var memory: Int

    /// Whether it may be the same server after further rounds. How many checkpoints there are, at most three, depends on
    /// how long files take to load; each is a process and a descriptor of nacre's, and a worker that leaves may have been
    /// counted. What is left behind in every round is more. Memory differs with what the processes share.
    func isAlike(_ other: State) -> Bool {
      watches == other.watches && files == other.files && abs(processes - other.processes) <= 5
        && abs(descriptorsOfNacre - other.descriptorsOfNacre) <= 5 && abs(descriptors - other.descriptors) <= 80
        && memory <= 2 * other.memory + 32
    }

    var description: String {
      "\(descriptorsOfNacre) descriptors of nacre, \(descriptors) in all, \(watches) watches, \(processes) processes, "
        + "\(memory) MiB, files \(files)"
    }
  }

  /// As it is when the old workers have left.
  private func state(_ server: Server) -> State {
    let processes = server.allProcesses
    let names = (try? FileManager.default.contentsOfDirectory(atPath: server.site.notes)) ?? []
    return State(
      descriptorsOfNacre: Figures.descriptors(of: server.process.pid),
      descriptors: processes.reduce(0) { $0 + Figures.descriptors(of: $1) },
      watches: Figures.watches(of: server.process.pid), processes: processes.count,
      files: names.filter { !$0.hasPrefix("log-") }.sorted(),
      memory: processes.reduce(0) { $0 + (Figures.memory("Pss", of: $1) ?? 0) } >> 20)
  }

  @Test func nothingIsLeftBehindByReloads() throws {
    let site = try Site.ofModules(12)
    var options = ServerOptions.development
    options.variables = ["TMPDIR": site.notes]
    options.arguments = ["--checkpoints", "3"]
    try site.serve(options) { server in
      let ports = try server.connect()
      var value = 0
      // Every kind of reload in every round, so that all rounds end in the same state.
      func round() throws {
        for number in [1, 12, 6, 12] {
          value += 1
          try site.replace("lib/M\(number).pm", Site.module(number, value))
          #expect(try server.text().contains("\(value)"), "\(server)")
        }
        try site.write("lib/M3.pm", "broken {")
        #expect(try server.ask().status == 500)
        try site.write("lib/M3.pm", Site.module(3, 0))
        #expect(try server.ask().status == 200)
        // A body that has to be collected, and a connection that is kept.
        _ = try server.ask("POST", "/", body: [UInt8](repeating: 65, count: 300_000))
        _ = try ports.exchange("GET", "/")
      }
      for _ in 0..<3 { try round() }
      // Old workers leave when they are idle.
      var before = state(server)
      _ = eventually(within: 5) {
        let now = state(server)
        defer { before = now }
        usleep(300_000)
        return now.processes == before.processes && now.descriptors == before.descriptors
      }
      for _ in 0..<12 { try round() }
      let isAlike = eventually { state(server).isAlike(before) }
      #expect(isAlike, "after 3 rounds: \(before); after 15: \(state(server))\n\(server)")
    }
  }
}
