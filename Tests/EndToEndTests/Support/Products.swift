import Foundation

/// Where the things under test lie.
enum Products {
  /// The directory of the built programs: that of the test bundle, if `NACRE_PRODUCTS` does not name another one.
  static let directory: String = {
    if let other = ProcessInfo.processInfo.environment["NACRE_PRODUCTS"] { return other }
    let running = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let beside = (running as NSString).deletingLastPathComponent
    if FileManager.default.isExecutableFile(atPath: beside + "/nacre") { return beside }
    return sourceTree + "/.build/debug"
  }()

  /// The runtime of the address sanitizer, if the programs were built for it (`make test-sanitized`).
  static let sanitizer = ProcessInfo.processInfo.environment["NACRE_PRELOAD"]

  /// The root of the source tree.
  static let sourceTree = (0..<4).reduce(#filePath) { path, _ in (path as NSString).deletingLastPathComponent }

  /// The built `nacre`.
  static var nacre: String { directory + "/nacre" }

  /// The release build that `make install` copies.
  static var release: String { sourceTree + "/.build/release" }

  /// The perl that the tests run under, as `make` was told (`PERL`).
  static let perl: String = {
    let name = ProcessInfo.processInfo.environment["PERL"] ?? "perl"
    return find(name) ?? "/usr/bin/perl"
  }()

  /// The absolute path of a program, looked for in `PATH`.
  static func find(_ program: String) -> String? {
    if program.contains("/") { return program }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    return path.split(separator: ":").map { "\($0)/\(program)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Whether the perl can load these modules.
  static func perlHas(_ modules: String...) -> Bool { perlHas(modules) }

  /// As ``perlHas(_:)-(String...)``.
  static func perlHas(_ modules: [String]) -> Bool {
    let run = try? Command.run([perl] + modules.map { "-M\($0)" } + ["-e", "1"])
    return run?.end == .code(0)
  }
}
