import ArgumentParser
import FoundationEssentials
import Glibc
import Supervision

/// Which server a command is for.
struct ServerChoice: ParsableArguments {
  @Option(
    name: [.customShort("p"), .long],
    help: ArgumentHelp("The port of the server; needed only if you run several.", valueName: "PORT"))
  var port: UInt16?

  @Option(help: ArgumentHelp("The control socket of the server, if it was started with one.", valueName: "PATH"))
  var control: String?

  func validate() throws {
    if port != nil, control != nil { throw ValidationError("give the server once: with -p or with --control") }
  }

  /// Connects to it.
  func connect() throws(CommandError) -> ControlClient {
    if let control {
      let path = absolutePath(control)
      if let client = ControlClient(path: path) { return client }
      throw CommandError("no server is controlled at \(path).", status: 3)
    }
    if let port {
      for directory in Self.trusted {
        let path = directory + "/" + ControlPlace.Address.port(port).socketName
        if let client = ControlClient(path: path) { return client }
      }
      throw CommandError("you run no server on port \(port)\(Self.others(Self.running())).", status: 3)
    }
    let running = Self.running()
    guard let only = running.first else {
      throw CommandError(
        "you run no server that can be controlled (looked in \(Self.list(ControlPlace.directories))).", status: 3)
    }
    guard running.count == 1 else {
      throw CommandError("you run several servers: choose one with\(Self.lines(running))", status: 2)
    }
    return only
  }

  /// The directories that only this user can have put sockets into.
  private static var trusted: [String] { ControlPlace.directories.filter { ControlPlace.fault(of: $0) == nil } }

  /// A connection to each running server of this user.
  private static func running() -> [ControlClient] {
    var paths: [String] = []
    for directory in trusted {
      guard let stream = opendir(directory) else { continue }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        if name.hasSuffix(".sock") { paths.append(directory + "/" + name) }
      }
    }
    return paths.sorted().compactMap { ControlClient(path: $0) }
  }

  /// `-p 5000 (app.psgi in /srv/app)`, one line for each server.
  private static func lines(_ clients: [ControlClient]) -> String {
    clients.map { client in
      let name = client.path.split(separator: "/").last.map { String($0.dropLast(5)) } ?? ""
      let option = UInt16(name) == nil ? "--control \(client.path)" : "-p \(name)"
      guard let status = try? client.ask("GET", "/v1/status").decoded(ControlDocument.Status.self) else {
        return "\n  \(option)"
      }
      return "\n  \(option)   \(status.name) in \(status.directory), pid \(status.pid)"
    }.joined()
  }

  private static func others(_ clients: [ControlClient]) -> String {
    clients.isEmpty ? "" : "; there is \(lines(clients))"
  }

  private static func list(_ names: [String]) -> String { names.joined(separator: ", ") }
}

/// The absolute form of a path from the command line.
func absolutePath(_ path: String) -> String {
  if path.hasPrefix("/") { return path }
  var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
  let directory = getcwd(&buffer, buffer.count).map { String(cString: $0) } ?? ""
  let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
  return directory + "/" + relative
}
