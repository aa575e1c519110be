import Foundation
import Testing

/// The example that `make run` serves: every file of it can be edited.
@Suite(.lane) struct ExampleTests {
  @Test func everyFileOfTheExampleCanBeEdited() throws {
    let site = try Site([:])
    try FileManager.default.removeItem(atPath: site.path)
    try FileManager.default.copyItem(atPath: Products.sourceTree + "/Examples/oyster-bar", toPath: site.path)
    try site.serve { server in
      let page = try server.text()
      #expect(page.contains("Belon") && page.contains("€ 4.20") && page.contains("12 with service"), "\(server)")
      let edits = [
        ("menu.conf", "Belon, 420", "Gillardeau, 480", "€ 4.80"),
        ("lib/OysterBar/Rules.pm", "DOZEN           => 12", "DOZEN           => 6", "6 with service"),
        ("lib/OysterBar/Money.pm", "€ %.2f", "%.2f EUR", "4.80 EUR"),
        ("lib/OysterBar/Oyster.pm", "return $_[0]{name}", "return uc $_[0]{name}", "GILLARDEAU"),
        ("templates/menu.html", "<h1>", "<h1>Welcome to ", "<h1>Welcome to The Oyster Bar"),
        ("app.psgi", "No such page", "Nothing there", "4.80 EUR"),
      ]
      for (file, old, new, expected) in edits {
        #expect(!page.contains(expected))
        try site.edit(file, old, new)
        let next = try server.text()
        #expect(next.contains(expected), "\(file): \(next)\n\(server)")
      }
      #expect(try server.text("/nowhere") == "Nothing there\n", "\(server)")
      #expect(server.log.components(separatedBy: "generation").count - 1 >= edits.count, "\(server)")
    }
  }
}
