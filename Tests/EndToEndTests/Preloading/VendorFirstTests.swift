import Foundation
import Testing

/// Libraries are loaded before the application, and nobody can tell.
@Suite(.lane, .slow) struct VendorFirstTests {
  /// Each load of the library adds a line to a file.
  private static func counting(_ rest: String) -> String {
    "package Big; BEGIN { open my $f, '>>', $ENV{LOADS} or die; print $f \"Big\\n\" } \(rest) 1;"
  }

  private func site() throws -> VendorSite {
    var vendor = try VendorSite(
      [
        "app.psgi": Site.app("'a ' . App::word()", using: "use App;"),
        "lib/App.pm": "package App; use Big qw(big); use Leaf; sub word { big() . ' ' . Leaf::word() } 1;",
        "lib/Leaf.pm": "package Leaf; sub word { 'leaf' } 1;",
      ],
      vendor: [
        "Big.pm": Self.counting("use Exporter 'import'; our @EXPORT_OK = 'big'; use Inner; sub big { Inner::inner() }"),
        "Inner.pm": "package Inner; sub inner { 'big' } 1;",
      ])
    let loads = vendor.site.notes + "/loads"
    try vendor.site.write(loads, "")
    vendor.options.variables["LOADS"] = loads
    return vendor
  }

  private func loads(_ vendor: VendorSite) -> Int {
    vendor.site.read(vendor.site.notes + "/loads").split(separator: "\n").count
  }

  @Test func editOfTheApplicationLoadsNoLibraryAgain() throws {
    let vendor = try site()
    try vendor.serve { server in
      #expect(try server.text() == "a big leaf")
      let before = loads(vendor)
      try vendor.site.write("app.psgi", Site.app("'b ' . App::word()", using: "use App;"))
      #expect(try server.text() == "b big leaf")
      #expect(try server.lastWay() == "rewind")
      #expect(loads(vendor) == before)
      // All that is watched was loaded again, and nothing else.
      #expect(try server.lastLoaded().map { ($0 as NSString).lastPathComponent } == ["app.psgi", "App.pm", "Leaf.pm"])
    }
  }

  @Test func preloadedGenerationIsTheSameCode() throws {
    let vendor = try site()
    try vendor.serve { server in
      let status = try server.document("/v1/status")
      let running = try #require(status["generation"] as? [String: Any])
      #expect(running["number"] as? Int == 2)
      #expect(running["loadedAs"] as? Int == 1)
      #expect((status["kept"] as? [Any])?.isEmpty == true)
      #expect(server.log.contains("generation 2 is the code of generation 1"), "\(server)")
      #expect(try server.nacre("status", "-p", "\(server.port)").output.contains("before the application"))
    }
  }

  @Test func withoutTheOptionNothingIsPreloaded() throws {
    var vendor = try site()
    vendor.options.preloads = false
    try vendor.site.serve(vendor.options) { server in
      try server.awaitPreload("forbidden")
      #expect(try server.text() == "a big leaf")
    }
  }

  @Test func applicationThatDiffersIsLeftAloneWithTheReason() throws {
    var vendor = try VendorSite(
      ["app.psgi": Site.app("Spy::seen()", using: "use App; use Spy;"), "lib/App.pm": "package App; 1;"],
      // No guard tells whether the application has loaded something of its own before.
      vendor: ["Spy.pm": "package Spy; our $seen = $INC{'App.pm'} ? 'app' : 'nothing'; sub seen { $seen } 1;"])
    vendor.options.preloads = true
    try vendor.site.serve(vendor.options) { server in
      try server.awaitPreload("off")
      #expect(try server.text() == "app")
      let reason = try #require(try server.preload()["reason"] as? String)
      #expect(reason.contains("$Spy::seen"))
      #expect(server.log.contains("preload is off: "), "\(server)")
    }
  }

  @Test func saveWhileTheOrderIsTriedIsAnsweredAtOnce() throws {
    let vendor = try VendorSite(
      ["app.psgi": Site.app("'one'", using: "use Slow;")],
      // The trial waits until the test has seen it.
      vendor: [
        "Slow.pm":
          "package Slow; open my $f, '>>', $ENV{LOADS}; syswrite $f, 'x'; if (-s $ENV{LOADS} > 1) { sleep 1 until -e \"$ENV{LOADS}.go\" } 1;"
      ])
    var options = vendor.options
    let loads = vendor.site.notes + "/loads"
    options.variables["LOADS"] = loads
    try vendor.site.serve(options) { server in
      #expect(try server.text() == "one")
      #expect(eventually { vendor.site.read(loads).count == 2 })
      try vendor.site.write(loads, "")
      try vendor.site.write("app.psgi", Site.app("'two'", using: "use Slow;"))
      #expect(try server.text() == "two")
      try vendor.site.write(loads + ".go", "")
    }
  }
}
