import CLinux
import Foundation
import Glibc
import Testing

/// A perl that is replaced while processes of it run.
@Suite(.lane) struct UpgradeTests {
  /// An application whose answer ends with the inode of the perl that runs it, and a copy of perl for it.
  private func site() throws -> (site: Site, perl: String) {
    let site = try Site([
      "app.psgi": Site.app("Part::word() . ' ' . (stat '/proc/self/exe')[1]", using: "use Part;"),
      "lib/Part.pm": "package Part; sub word { 'one' } 1;",
    ])
    let perl = site.notes + "/perl"
    try FileManager.default.copyItem(atPath: try #require(realpath(Products.perl)), toPath: perl)
    return (site, perl)
  }

  private func realpath(_ path: String) -> String? {
    guard let real = Glibc.realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
  }

  private func inode(_ path: String) -> UInt64 {
    var status = stat()
    return stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
  }

  /// Puts a new copy in the old one's place, as dpkg does.
  private func upgrade(_ file: String) throws {
    try FileManager.default.copyItem(atPath: file, toPath: file + ".dpkg-new")
    #expect(rename(file + ".dpkg-new", file) == 0)
  }

  private func options(_ perl: String, _ environment: String) -> ServerOptions {
    var options = ServerOptions(environment: environment)
    options.arguments = ["--perl", perl]
    return options
  }

  @Test(arguments: ["development", "production"]) func nextReloadStartsTheNewPerl(_ environment: String) throws {
    let (site, perl) = try site()
    try site.serve(options(perl, environment)) { server in
      let old = inode(perl)
      #expect(try server.text() == "one \(old)", "\(server)")
      try upgrade(perl)
      let new = inode(perl)
      #expect(new != old)
      try site.edit("lib/Part.pm", "one", "two")
      let isNew = try eventually { try server.text() == "two \(new)" }
      #expect(isNew, "\(server)")
      #expect(server.log.contains("perl was upgraded (\(perl)"), "\(server)")
      #expect(server.logs("generation 2 by cold start"), "\(server)")
      // The next reload is a rewind again, and nothing of the old perl is left.
      try site.edit("lib/Part.pm", "two", "three")
      let isRewound = try eventually { try server.text() == "three \(new)" }
      #expect(isRewound && server.logs("generation 3 by rewind"), "\(server)")
      #expect(eventually { server.perlProcesses.allSatisfy { inode("/proc/\($0)/exe") == new } }, "\(server)")
    }
  }

  @Test func reloadThatIsAskedForStartsTheNewPerl() throws {
    let (site, perl) = try site()
    var options = options(perl, "production")
    options.arguments += ["--reload", "off"]
    try site.serve(options) { server in
      #expect(try server.text() == "one \(inode(perl))")
      try upgrade(perl)
      server.process.send(SIGHUP)
      let isNew = try eventually { try server.text() == "one \(inode(perl))" }
      #expect(isNew && server.logs("generation 2 by cold start"), "\(server)")
    }
  }

  @Test(.slow) func upgradeIsNoticedWithoutAReload() throws {
    let (site, perl) = try site()
    try site.serve(options(perl, "production")) { server in
      #expect(try server.text() == "one \(inode(perl))")
      try upgrade(perl)
      let isNew = try eventually { try server.text() == "one \(inode(perl))" }
      #expect(isNew, "\(server)")
    }
  }

  @Test func perlThatCannotRunAnyMoreLeavesTheOldOneServing() throws {
    let (site, perl) = try site()
    try site.serve(options(perl, "production")) { server in
      let old = inode(perl)
      #expect(try server.text() == "one \(old)", "\(server)")
      try site.write(site.notes + "/broken", "#!/bin/sh\nexit 1\n")
      chmod(site.notes + "/broken", 0o755)
      try FileManager.default.copyItem(atPath: perl, toPath: perl + ".kept")
      #expect(rename(site.notes + "/broken", perl) == 0)
      try site.edit("lib/Part.pm", "one", "two")
      #expect(server.logs("is no perl that Nacre understands"), "\(server)")
      #expect(try server.text() == "one \(old)", "\(server)")
      #expect(rename(perl + ".kept", perl) == 0)
      let isNew = try eventually { try server.text() == "two \(inode(perl))" }
      #expect(isNew, "\(server)")
    }
  }

  /// As on a file system on which a file is never what it was.
  @Test(.slow) func perlThatChangesAgainAndAgainIsLeftAlone() throws {
    let (site, perl) = try site()
    var options = options(perl, "production")
    options.arguments += ["--reload", "off"]
    options.workers = 1
    try site.serve(options) { server in
      #expect(server.logs("serves app.psgi"))
      for generation in 2...51 {
        try upgrade(perl)
        server.process.send(SIGHUP)
        try #require(server.logs("generation \(generation) by cold start"), "\(server)")
      }
      try upgrade(perl)
      server.process.send(SIGHUP)
      #expect(server.logs("perl's files change again and again (\(perl)): they are no longer looked at"), "\(server)")
      #expect(try server.text().hasPrefix("one"))
    }
  }
}
