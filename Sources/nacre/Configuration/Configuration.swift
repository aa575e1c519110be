import FoundationEssentials
import Supervision

/// Puts what a `nacre.toml` says in front of what the command line says, which wins.
enum Configuration {
  /// The name that is looked for beside the application.
  static let fileName = "nacre.toml"

  /// Arguments with those of the file, and the file.
  struct Whole: Equatable {
    var arguments: [String]
    var file: String?
  }

  /// Adds the file's arguments to those of the command line (in Nacre's own words, taken apart).
  static func whole(_ arguments: [String]) throws(StartupError) -> Whole {
    let given = Given(arguments)
    guard let file = find(given) else { return Whole(arguments: arguments, file: nil) }
    let configuration = try ConfigurationFile(reading: file)
    guard configuration.problems.isEmpty else {
      throw StartupError(configuration.problems.map(\.description).joined(separator: "\nnacre: "), isUsage: true)
    }
    let entries = configuration.entries.filter { !given.excludes($0.option) }
    return Whole(arguments: entries.flatMap(\.arguments) + arguments, file: file)
  }

  /// The file that `--config` names, or that lies beside the application.
  private static func find(_ given: Given) -> String? {
    if let named = given.values["config"] { return named == "off" ? nil : named }
    let application = given.application ?? given.values["app"] ?? "."
    var isDirectory = false
    let exists = FileManager.default.fileExists(atPath: application, isDirectory: &isDirectory)
    let directory = exists && isDirectory ? application : Self.directory(of: application)
    let file = directory == "." || directory.isEmpty ? fileName : directory + "/" + fileName
    return FileManager.default.fileExists(atPath: file) ? file : nil
  }

  /// The directory that a path names, `/` included; empty without one.
  static func directory(of file: String) -> String {
    file.lastIndex(of: "/").map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? ""
  }

  /// What a command line names.
  struct Given {
    /// The options by their keys, with the last value.
    private(set) var values: [String: String] = [:]
    /// The argument that is no option.
    private(set) var application: String?

    /// Options that are about one thing: whoever says one of them on the command line means it instead of the others.
    private static let alternatives: [Set<String>] = [
      ["host", "port", "listen", "socket"], ["reload", "touch-file"],
    ]

    init(_ arguments: [String]) {
      var rest = arguments[...]
      while let argument = rest.popFirst() {
        if argument == "--" {
          application = rest.popFirst() ?? application
          return
        }
        let words = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard argument.count > 1, argument.hasPrefix("-") else {
          application = argument
          continue
        }
        guard let option = KnownOption.named(words[0]) else { continue }
        if option.value == nil {
          values[option.key] = ""
        } else {
          values[option.key] = words.count > 1 ? words[1] : rest.popFirst() ?? ""
        }
      }
    }

    /// Whether the command line says something else about what a file says.
    func excludes(_ option: KnownOption) -> Bool {
      if values[option.key] != nil || option.key == "app" && application != nil { return true }
      return Self.alternatives.contains { group in
        group.contains(option.key) && group.contains { values[$0] != nil }
      }
    }
  }
}
