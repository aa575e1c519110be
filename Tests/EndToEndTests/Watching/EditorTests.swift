import Foundation
import Glibc
import Testing

/// Real editors and tools, as far as they are installed, saving a module of an application that lists the module's
/// directory: exactly one reload comes of each save, and what they leave beside the file comes in no listing.
@Suite(.lane) struct EditorTests {
  /// A program that puts `two` in the place of `one`.
  struct Tool: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var command: [String]
    var isInstalled: Bool { Products.find(command[0]) != nil }
  }

  static let tools = [
    Tool(testDescription: "vim", command: ["vim", "-es", "-c", "%s/one/two/", "-c", "wq", "FILE"]),
    Tool(
      testDescription: "vim with backup",
      command: ["vim", "-es", "-c", "set backup backupcopy=no undofile", "-c", "%s/one/two/", "-c", "wq", "FILE"]),
    Tool(
      testDescription: "emacs",
      command: [
        "emacs", "-Q", "--batch", "FILE", "--eval",
        "(progn (lock-buffer) (replace-regexp \"one\" \"two\") (do-auto-save) (save-buffer))",
      ]),
    Tool(
      testDescription: "emacs, by a temporary file",
      command: [
        "emacs", "-Q", "--batch", "FILE", "--eval",
        "(progn (setq file-precious-flag t) (replace-regexp \"one\" \"two\") (save-buffer))",
      ]),
    Tool(testDescription: "sed -i", command: ["sed", "-i", "s/one/two/", "FILE"]),
    Tool(testDescription: "perl -i", command: ["perl", "-i", "-pe", "s/one/two/", "FILE"]),
    Tool(testDescription: "rsync", command: ["rsync", "-I", "NEW", "FILE"]),
    Tool(testDescription: "install", command: ["install", "-m", "644", "NEW", "FILE"]),
    Tool(testDescription: "cp", command: ["cp", "NEW", "FILE"]),
  ].filter(\.isInstalled)

  @Test(arguments: tools) func aSaveIsOneReload(_ tool: Tool) throws {
    let site = try Site([
      "app.psgi": Site.app(
        "join ' ', Part::answer(), @names",
        using: """
          use Part;
          opendir my $directory, 'lib' or die; my @names = sort grep { !/^\\.\\.?$/ && !/~$/ } readdir $directory;
          """), "lib/Part.pm": "package Part; sub answer { 'one' } 1;\n",
      "new/Part.pm": "package Part; sub answer { 'two' } 1;\n",
    ])
    try site.serve { server in
      #expect(try server.text() == "one Part.pm", "\(server)")
      let words = [Products.find(tool.command[0]) ?? ""] + tool.command.dropFirst()
      let run = try Command.run(
        words.map {
          $0 == "FILE" ? site.absolute("lib/Part.pm") : $0 == "NEW" ? site.absolute("new/Part.pm") : $0
        }, environment: ["HOME": site.notes])
      #expect(run.end == .code(0), "\(run.errors)")
      #expect(try server.text() == "two Part.pm", "\(server)")
      for _ in 0..<10 {
        usleep(20_000)
        #expect(try server.text() == "two Part.pm", "\(server)")
      }
      #expect(!server.log.contains("generation 3"), "\(server)")
    }
  }
}
