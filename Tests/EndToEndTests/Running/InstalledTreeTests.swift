import Foundation
import Glibc
import Testing

/// What `make install` puts in place works by itself: without the source tree and without Swift.
@Suite(.lane, .slow) struct InstalledTreeTests {
  /// The directory that the Swift toolchain lies in, if it can be put out of reach without hiding anything else.
  private static let toolchain: String? = {
    guard let swift = Products.find("swift"), let real = realpath(swift, nil) else { return nil }
    defer { free(real) }
    let path = String(cString: real)
    guard let end = path.range(of: "/usr/bin/"), end.lowerBound > path.startIndex else { return nil }
    return String(path[..<end.lowerBound])
  }()

  private static let hasRelease = FileManager.default.isExecutableFile(atPath: Products.release + "/nacre")

  /// Whether this user may put an empty file system over a directory, in a name space of its own.
  private static let canHide =
    getuid() == 0
    && (try? Command.run(["/usr/bin/unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"]))?.end == .code(0)

  /// Installs the release build below a directory of the test; the installed prefix.
  private func install(in site: Site, _ place: String = "PREFIX=/opt/nacre") throws -> String {
    let make = try #require(Products.find("make"))
    let root = site.notes + "/root"
    let run = try Command.run(
      [
        make, "-C", Products.sourceTree, "install-files", "DESTDIR=\(root)", place,
        "PERL=\(Products.perl)",
      ],
      within: 120)
    #expect(run.end == .code(0), "\(run)")
    return root + "/opt/nacre"
  }

  @Test(.enabled(if: hasRelease, "there is no release build: `make build` makes it")) func everythingIsInItsPlace()
    throws
  {
    let site = try Site([:])
    let prefix = try install(in: site)
    let version = try Command.run(
      [Products.perl, "-MConfig", "-e", "print qq($Config{version}/$Config{archname})"]).output
    let files = [
      "bin/nacre", "lib/nacre/perl/Nacre/Host.pm", "lib/nacre/\(version)/Nacre.so", "share/man/man1/nacre.1",
    ]
    for file in files { #expect(FileManager.default.fileExists(atPath: prefix + "/" + file), "\(file)") }
    let perlLib = try Command.run([prefix + "/bin/nacre", "perl-lib"])
    #expect(perlLib.output == prefix + "/lib/nacre/perl\n", "\(perlLib)")
    let make = try #require(Products.find("make"))
    let run = try Command.run(
      [
        make, "-C", Products.sourceTree, "uninstall", "DESTDIR=\(site.notes)/root", "PREFIX=/opt/nacre",
        "PERL=\(Products.perl)",
      ])
    #expect(run.end == .code(0), "\(run)")
    for file in files { #expect(!FileManager.default.fileExists(atPath: prefix + "/" + file), "\(file)") }
  }

  @Test(.enabled(if: hasRelease, "there is no release build: `make build` makes it")) func nacrePatchesAnyProgram()
    throws
  {
    let site = try Site(["lib/A.pm": "package A; sub f { 'one' } 1;"])
    let library = try install(in: site) + "/lib/nacre/perl"
    let script =
      "use A; open my $to, '>', 'lib/A.pm'; print $to 'package A; sub f { 2 } 1;'; close $to; Nacre->check; print A::f()"
    let run = try Command.run(
      [Products.perl, "-I", library, "-I", "lib", "-MNacre", "-e", script], directory: site.path)
    #expect(run.end == .code(0) && run.output == "2" && run.errors.isEmpty, "\(run)")
  }

  @Test(
    .enabled(if: hasRelease, "there is no release build: `make build` makes it"),
    arguments: ["PREFIX=/opt/nacre", "INSTALL_BASE=/home/me/perl5", "LANG=C"])
  func perlFindsItWhereOtherModulesAre(_ place: String) throws {
    let site = try Site(["lib/A.pm": "package A; sub f { 'one' } 1;"])
    _ = try install(in: site, place)
    let directory = [
      "PREFIX=/opt/nacre": "/opt/nacre/lib/perl5", "INSTALL_BASE=/home/me/perl5": "/home/me/perl5/lib/perl5",
      // Where this perl looks by itself.
      "LANG=C": try Command.run([Products.perl, "-MConfig", "-e", "print $Config{installsitelib}"]).output,
    ]
    let library = site.notes + "/root" + directory[place]!
    let script =
      "use A; print Nacre->can('check') ? 1 : 0; open my $to, '>', 'lib/A.pm'; print $to 'package A; sub f { 2 } 1;'; close $to; Nacre->check; print A::f()"
    let run = try Command.run(
      [Products.perl, "-I", "lib", "-MNacre", "-e", script], directory: site.path, environment: ["PERL5LIB": library])
    #expect(run.end == .code(0) && run.output == "12" && run.errors.isEmpty, "\(run)")
  }

  @Test(
    .enabled(if: hasRelease, "there is no release build: `make build` makes it"),
    .enabled(if: canHide, "only root can put Swift out of reach"),
    .enabled(if: toolchain != nil, "Swift does not lie in a directory of its own"))
  func runsWithTheToolchainAndTheSourceTreeOutOfReach() throws {
    let site = try Site([
      "app.psgi": Site.app("Part::word()", using: "use Part;"), "lib/Part.pm": "package Part; sub word { 'one' } 1;",
    ])
    let prefix = try install(in: site)
    let hidden = [try #require(Self.toolchain), Products.sourceTree].map { "mount -t tmpfs none '\($0)'" }
    var options = ServerOptions.development
    let shell = hidden.joined(separator: " && ") + " && exec '\(prefix)/bin/nacre' \"$@\""
    options.command = ["/usr/bin/unshare", "-m", "/bin/sh", "-c", shell, "nacre"]
    try site.serve(options) { server in
      try server.expectFresh("one")
      for round in 1...3 {
        try site.write("lib/Part.pm", "package Part; sub word { '\(round)' } 1;")
        try server.expectFresh("\(round)")
      }
      let maps = contents(of: "/proc/\(server.process.pid)/maps")
      #expect(maps.contains(prefix) && !maps.contains("libswiftCore"), "nacre carries Swift with it")
    }
  }
}
