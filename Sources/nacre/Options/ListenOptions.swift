import ArgumentParser

/// Where the server listens.
struct ListenOptions: ParsableArguments {
  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp("The address to listen on; 0.0.0.0 or :: for all.", valueName: "HOST"))
  var host = "127.0.0.1"

  @Option(
    name: [.customShort("p"), .long],
    help: ArgumentHelp("The port to listen on; 0 for any that is free.", valueName: "PORT"))
  var port: UInt16 = 5000
}
