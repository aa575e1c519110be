import Foundation
import Glibc
import Testing

/// Two servers of one application on one machine.
@Suite(.lane) struct TwoServersTests {
  @Test func twoServersOfOneDirectoryDoNotDisturbEachOther() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word() . \" $ENV{PLACK_ENV}\"", using: "use Part;"),
      "lib/Part.pm": "package Part; sub word { 'one' } 1;",
    ])
    try site.serve(.production) { other in
      try site.serve { own throws in
        #expect(try own.text() == "one development" && other.text() == "one production")
        try site.edit("lib/Part.pm", "one", "two")
        #expect(try own.text() == "two development", "\(own)")
        #expect(other.logs("generation 2 by rewind"), "\(other)")
        #expect(try other.text() == "two production", "\(other)")
        try site.write("lib/Part.pm", "package Part; syntax error")
        #expect(try own.ask().status == 500, "\(own)")
        #expect(try other.text() == "two production", "\(other)")
        own.process.send(SIGTERM)
        #expect(own.process.waitForEnd() == .code(0), "\(own)")
        #expect(try other.text() == "two production", "\(other)")
      }
      try site.write("lib/Part.pm", "package Part; sub word { 'three' } 1;")
      #expect(try eventually { try other.text() == "three production" } as Bool, "\(other)")
    }
  }
}
