import ArgumentParser
import Supervision

/// How the server is steered while it runs.
struct ControlOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The Unix socket for nacre status, reload and the like; off for none. By default one for each port, in a directory that is yours alone.",
      valueName: "PATH|off"))
  var control: String?

  @Option(
    help: ArgumentHelp(
      "Answer GET /metrics for Prometheus on this address, too; on the control socket it always is.",
      valueName: "ADDRESS"))
  var metrics: String?

  func validate() throws {
    if let metrics {
      do {
        _ = try ListenAddress(metrics)
      } catch {
        throw ValidationError("--metrics takes HOST:PORT, :PORT or PORT, not '\(metrics)'")
      }
    }
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
