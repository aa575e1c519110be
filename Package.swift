// swift-tools-version: 6.1
import Foundation
import PackageDescription

/// Asks the perl that `Nacre.so` is built for (`PERL`, by default `perl` from the path) for its header directory and C flags.
func perlConfiguration() -> [String] {
  let process = Process()
  let output = Pipe()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [
    ProcessInfo.processInfo.environment["PERL"] ?? "perl", "-MConfig", "-e",
    #"print join "\n", "-I$Config{archlibexp}/CORE", grep { !/^-(?:O|g|pipe|W|f(?:wrapv|stack))/ } split ' ', $Config{ccflags}"#,
  ]
  process.standardOutput = output
  guard (try? process.run()) != nil else { return [] }
  let data = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
}

let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

func room(_ name: String, _ dependencies: [Target.Dependency], linkerSettings: [LinkerSetting] = []) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: swiftSettings, linkerSettings: linkerSettings)
}

func tests(of name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.target(name: name)] + dependencies, swiftSettings: swiftSettings)
}

let package = Package(
  name: "nacre",
  products: [
    .executable(name: "nacre", targets: ["nacre"]),
    .library(name: "Nacre", type: .dynamic, targets: ["NacreExtension"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
  ],
  targets: [
    // C: the kernel calls and the atomics that Swift cannot express. No policy.
    .target(name: "CLinux"),
    // C: the only place with perl.h.
    .target(name: "CPerl", cSettings: [.unsafeFlags(perlConfiguration())]),

    room("PerlRuntime", ["CPerl"]),
    room("ReloadModel", []),
    room("SourceFiles", ["ReloadModel", "CLinux"]),
    room("FileWatching", ["SourceFiles", "ReloadModel", "CLinux"]),
    room("ProcessProtocol", ["ReloadModel", "CLinux"]),
    room("HTTP1", []),
    room("Rewinding", ["PerlRuntime", "SourceFiles", "ReloadModel", "ProcessProtocol", "CLinux"]),
    room("Patching", ["PerlRuntime", "SourceFiles", "ReloadModel", "FileWatching", "CLinux"]),
    room("PSGIBridge", ["PerlRuntime", "HTTP1", "ProcessProtocol", "CLinux"]),
    room(
      "NacreExtension", ["Patching", "ReloadModel", "Rewinding", "PSGIBridge", "PerlRuntime", "CPerl"],
      // perl unloads XS libraries when it tears an interpreter down; the op hooks must outlive that.
      linkerSettings: [
        // Bound at once: else each worker looks up the functions that it calls first, after each fork again.
        .unsafeFlags(["-static-stdlib", "-Xlinker", "-z", "-Xlinker", "nodelete", "-Xlinker", "-z", "-Xlinker", "now"])
      ]),
    room("Switchboard", ["HTTP1", "ProcessProtocol", "CLinux"]),
    room(
      "SecureFront",
      [
        "Switchboard", "ProcessProtocol", "CLinux",
        .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOTLS", package: "swift-nio"), .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"), .product(name: "NIOHTTP2", package: "swift-nio-http2"),
        .product(name: "NIOHPACK", package: "swift-nio-http2"),
      ]),
    room("Supervision", ["ReloadModel", "SourceFiles", "FileWatching", "ProcessProtocol", "Switchboard", "CLinux"]),
    .executableTarget(
      name: "nacre",
      dependencies: [
        "Supervision", "SecureFront", "ReloadModel", "ProcessProtocol",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "TOMLKit", package: "TOMLKit"),
      ],
      swiftSettings: swiftSettings),

    tests(of: "ReloadModel"),
    tests(of: "SourceFiles", ["ReloadModel"]),
    tests(of: "FileWatching", ["SourceFiles", "ReloadModel", "CLinux"]),
    tests(of: "ProcessProtocol", ["ReloadModel", "CLinux"]),
    tests(
      of: "HTTP1",
      [
        .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
      ]),
    tests(of: "Switchboard", ["HTTP1", "ProcessProtocol", "CLinux"]),
    tests(
      of: "SecureFront",
      [.product(name: "NIOHPACK", package: "swift-nio-http2"), .product(name: "NIOHTTP1", package: "swift-nio")]),
    tests(of: "Supervision", ["ReloadModel", "ProcessProtocol", "Switchboard", "CLinux"]),
    tests(
      of: "nacre",
      ["Supervision", "ProcessProtocol", .product(name: "ArgumentParser", package: "swift-argument-parser")]),
    // Made-up applications and edits, for the tests of everything that reloads code.
    .target(name: "Equivalence", path: "Tests/Equivalence", exclude: ["perl"], swiftSettings: swiftSettings),
    .testTarget(
      name: "EndToEndTests", dependencies: ["CLinux", "Equivalence"], exclude: ["Patching/Scenarios"],
      swiftSettings: swiftSettings),
  ]
)
