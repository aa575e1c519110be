import ArgumentParser
import Supervision

/// `nacre config check [FILE]`.
struct ConfigOptions: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nacre config", abstract: "Check a nacre.toml, without starting anything.",
    usage: "nacre config check [FILE]")

  /// What can be done with a file.
  enum Action: String, ExpressibleByArgument, CaseIterable {
    case check
  }

  @Argument(help: ArgumentHelp("check is all there is.", valueName: "check"))
  var action: Action

  @Argument(help: ArgumentHelp("The file.", valueName: "FILE"))
  var file = Configuration.fileName

  /// A sentence about the file; throws all that is wrong with it.
  func check() throws(StartupError) -> String {
    let configuration = try ConfigurationFile(reading: file)
    guard configuration.problems.isEmpty else {
      throw StartupError(configuration.problems.map(\.description).joined(separator: "\nnacre: "), isUsage: true)
    }
    let count = configuration.entries.count
    return "\(file): \(count) option\(count == 1 ? "" : "s"), all good"
  }
}
