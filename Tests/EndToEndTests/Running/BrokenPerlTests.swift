import Foundation
import Glibc
import Testing

/// A perl that does not become ready, at a start in production: nacre says why and leaves.
@Suite(.lane) struct BrokenPerlTests {
  /// Starts nacre with a perl that answers what nacre asks of it first, and then does this instead of loading.
  private func start(_ instead: String, _ more: [String] = []) throws -> Command {
    let site = try Site([
      "app.psgi": "sub {}",
      "perl": """
      #!/bin/sh
      case "$*" in *Nacre::Host*) \(instead);; *) exec '\(Products.perl)' "$@";; esac
      """,
    ])
    let perl = site.absolute("perl")
    #expect(chmod(perl, 0o755) == 0)
    return try Command.run(
      [Products.nacre, "-E", "production", "--perl", perl, "-p", "0"] + more, directory: site.path)
  }

  @Test func perlThatLeavesBeforeItIsReadyIsNamedWithItsStatus() throws {
    let run = try start("exit 3")
    #expect(run.end == .code(1), "\(run)")
    #expect(run.errors.contains("perl ended with exit status 3 before it was ready"), "\(run)")
  }

  @Test func perlThatSaysNothingForTooLongIsKilled() throws {
    let run = try start("exec sleep 100", ["--load-timeout", "1"])
    #expect(run.end == .code(1), "\(run)")
    #expect(run.errors.contains("SIGKILL"), "\(run)")
  }

  @Test func perlThatCannotBeStartedAgainIsNamed() throws {
    let run = try start("exec /nowhere/perl")
    #expect(run.end == .code(1), "\(run)")
    #expect(run.errors.contains("perl ended with exit status"), "\(run)")
  }

  /// `Nacre.so` of another perl, cut short by a full disk, or not it at all.
  @Test(arguments: [
    ("/nowhere/Nacre.so", "Nacre cannot load /nowhere/Nacre.so: "), ("LIBC", "it has no boot_Nacre"),
  ])
  func extensionThatCannotBeUsedIsNamed(_ file: String, _ sentence: String) throws {
    let library = try Command.run(
      [Products.perl, "-ne", #"if (m{(/\S*libc\S*\.so\S*)}) { print $1; exit }"#, "/proc/self/maps"]
    ).output
    let run = try Command.run(
      [
        Products.perl, "-I\(Products.sourceTree)/perl/lib", "-MNacre::Host", "-e", "Nacre::Host::load_library(shift)",
        file == "LIBC" ? library : file,
      ])
    #expect(run.end != .code(0))
    #expect(run.errors.contains(sentence), "\(run)")
  }
}
