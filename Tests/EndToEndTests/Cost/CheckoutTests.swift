import Foundation
import Glibc
import Testing

/// Many files that change at once.
@Suite(.lane, .slow) struct CheckoutTests {
  private static let files = 400

  private func git(_ site: Site, _ arguments: String...) throws {
    let configuration = ["user.name=test", "user.email=test@localhost", "gc.auto=0"].flatMap { ["-c", $0] }
    let run = try Command.run([Products.find("git") ?? "/git", "-C", site.path] + configuration + arguments)
    guard run.end == .code(0) else { throw Stuck("git \(arguments): \(run.errors)") }
  }

  @Test(.enabled(if: Products.find("git") != nil, "there is no git"), arguments: ["development", "production"])
  func checkoutIsOneGeneration(_ environment: String) throws {
    let site = try Site.ofModules(Self.files)
    try git(site, "init", "-q", "-b", "one")
    try git(site, "add", ".")
    try git(site, "commit", "-q", "-m", "one")
    try git(site, "checkout", "-q", "-b", "two")
    for number in stride(from: 1, through: Self.files, by: 2) {
      try site.write("lib/M\(number).pm", Site.module(number, 2))
    }
    try git(site, "commit", "-q", "-a", "-m", "two")
    try git(site, "checkout", "-q", "one")
    func answer(_ odd: Int) -> String { (1...Self.files).map { $0 % 2 == 1 ? "\(odd)" : "0" }.joined(separator: " ") }
    try site.serve(ServerOptions(environment: environment)) { server in
      #expect(try server.text() == answer(0))
      for (generation, branch) in [(2, "two"), (3, "one"), (4, "two")] {
        try git(site, "checkout", "-q", branch)
        let odd = branch == "two" ? 2 : 0
        let isServed = try eventually { try server.text() == answer(odd) }
        #expect(isServed, "\(server)")
        #expect(server.logs("generation \(generation) by"), "\(server)")
        #expect(!server.log.contains("generation \(generation + 1) by"), "\(server)")
      }
    }
  }
}
