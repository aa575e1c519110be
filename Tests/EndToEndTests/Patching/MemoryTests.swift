import Foundation
import Testing

/// What patches do with memory, as valgrind's memcheck sees it.
@Suite(.lane, .disabled(if: Products.sanitizer != nil, "valgrind and the address sanitizer exclude each other"))
struct MemoryTests {
  private static let release = Products.release + "/libNacre.so"
  private static var hasRelease: Bool { FileManager.default.fileExists(atPath: release) }

  // With the optimizer: valgrind takes many times as long without.
  @Test(.enabled(if: hasRelease, "there is no release build: `make build` makes it"))
  func twoHundredPatchesMakeNoErrorAndLoseNothing() throws {
    let site = try Site([:])
    let scenarios = Products.sourceTree + "/Tests/EndToEndTests/Patching/Scenarios"
    let run = try Memcheck.run(
      ["-I", scenarios, scenarios + "/memory/patches.pl", "250"], of: Self.release, findingLeaks: true, in: site)
    #expect(run.end == .code(0) && run.output == "200\n", "\(run)")
  }
}

/// A plain perl under valgrind's memcheck. It ends with 9 where there was an error.
enum Memcheck {
  static func run(
    _ arguments: [String], of built: String = Products.directory + "/libNacre.so", findingLeaks: Bool = false,
    in site: Site
  ) throws -> Command {
    // valgrind does not read what Swift says of its sources.
    let library = site.notes + "/Nacre.so"
    _ = try Command.run(["/usr/bin/strip", "--strip-debug", "-o", library, built])
    let suppressions = site.notes + "/suppressions"
    try site.write(suppressions, Self.suppressions)
    let leaks =
      findingLeaks
      ? ["--leak-check=full", "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite"] : ["--leak-check=no"]
    return try Command.run(
      ["/usr/bin/valgrind", "--quiet", "--error-exitcode=9", "--suppressions=\(suppressions)"] + leaks
        + [Products.perl, "-I", Products.sourceTree + "/perl/lib"] + arguments,
      directory: site.path, environment: ["NACRE_LIBRARY": library], within: 600)
  }

  /// What the C library does when it looks for a library, and perl's Cwd with a path; and perl's copy of the environment, which
  /// it keeps by the variables.
  private static let suppressions = """
    {
     dlopen
     Memcheck:Addr8
     fun:strncmp
     fun:is_dst
    }
    {
     realpath
     Memcheck:Overlap
     ...
     obj:*/auto/Cwd/Cwd.so
    }
    {
     environment
     Memcheck:Leak
     match-leak-kinds: definite
     fun:malloc
     fun:Perl_my_setenv
     fun:perl_parse
    }

    """
}
