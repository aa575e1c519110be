import ArgumentParser
import ProcessProtocol
import Supervision

/// What is written about requests.
struct LogOptions: ParsableArguments {
  /// `--access-log-format`.
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case combined, timed, json
  }

  @Option(
    help: ArgumentHelp(
      "Append a line for each request to FILE, - for standard output; USR1 opens it anew.", valueName: "FILE"))
  var accessLog: String?

  @Option(
    help: ArgumentHelp(
      "combined: as Apache; timed: the same, then microseconds and request id; json: an object a line.",
      valueName: "combined|timed|json"))
  var accessLogFormat = Format.combined

  @Flag(help: "Give each request an id: in HTTP_X_REQUEST_ID, in the response and in the log.")
  var requestIds = false

  func validate() throws {
    if accessLog?.isEmpty == true { throw ValidationError("--access-log takes a file, or - for standard output") }
  }

  /// Takes over what needs no look at the disk.
  func fill(_ settings: inout ServerSettings) {
    settings.accessLog = accessLog.map { $0 == "-" ? $0 : absolutePath($0) } ?? ""
    settings.makesRequestIDs = requestIds
    settings.logFormat =
      switch accessLogFormat {
      case .combined: .combined
      case .timed: .timed
      case .json: .json
      }
  }
}
