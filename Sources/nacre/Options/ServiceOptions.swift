import ArgumentParser
import Supervision

/// What a server needs that runs without a person in front of it.
struct ServiceOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Write the process id to FILE when the application is ready.", valueName: "FILE"))
  var pid: String?

  @Option(help: ArgumentHelp("Started by root, become this user once the addresses are bound.", valueName: "USER"))
  var user: String?

  @Option(help: ArgumentHelp("The same for the group; otherwise it is the user's.", valueName: "GROUP"))
  var group: String?

  @Option(help: ArgumentHelp("Append what goes to standard error to FILE.", valueName: "FILE"))
  var errorLog: String?
}
