import ArgumentParser
import Supervision

/// How the server is steered while it runs.
struct ControlOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The Unix socket for nacre status, reload and the like; off for none. By default one for each port, in a directory that is yours alone.",
      valueName: "PATH|off"))
  var control: String?

  func validate() throws {
    if control?.isEmpty == true { throw ValidationError("--control takes a path, or off") }
  }

  /// Takes over what needs no look at the disk.
  func fill(_ settings: inout ServerSettings) {
    settings.control =
      switch control {
      case nil: .automatic
      case "off"?: .off
      case let path?: .path(absolutePath(path))
      }
  }
}
