import Foundation
import Testing

/// How tests steer a server.
extension Server {
  /// Its control socket.
  var controlSocket: String { site.notes + "/nacre/\(port).sock" }

  /// Calls the control API.
  func control(_ method: String, _ target: String, body: String? = nil) throws -> Response {
    try Connection(path: controlSocket).exchange(method, target, body: body.map { Array($0.utf8) })
  }

  /// Calls the control API and decodes the answer.
  func document(_ target: String, method: String = "GET") throws -> [String: Any] {
    let answer = try control(method, target)
    guard let document = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any] else {
      throw Stuck("not a document: \(answer.text)")
    }
    return document
  }

  /// The last reloads, the latest first.
  func reloads() throws -> [[String: Any]] { try document("/v1/generations")["reloads"] as? [[String: Any]] ?? [] }

  /// What took time in the last reload.
  func timeline() throws -> [String: Any]? { try reloads().first?["timeline"] as? [String: Any] }

  /// Runs `nacre` with these arguments, in the application's directory.
  func nacre(_ arguments: String...) throws -> Command { try site.nacre(arguments) }
}

extension Site {
  /// As ``serve(_:expecting:sourceLocation:_:)``, from the moment the application of ``chained()`` has loaded.
  func steer(_ options: ServerOptions = .development, _ body: (Server) throws -> Void) throws {
    try serve(options) { server in
      guard try server.text() == "one a two a" else { throw Stuck("the application does not run") }
      try body(server)
    }
  }

  /// Runs `nacre` where it finds the site's servers and no others.
  func nacre(_ arguments: [String]) throws -> Command {
    try Command.run(
      [Products.nacre] + arguments, directory: path, environment: controlVariables.merging(["TMPDIR": notes]) { $1 })
  }

  /// An application of two modules, each of which uses a third.
  static func chained() throws -> Site {
    try Site([
      "app.psgi": app("One::word() . Two::word()", using: "use One;\nuse Two;"),
      "lib/One.pm": "package One;\nuse Deep;\nsub word { 'one ' . Deep::word() . ' ' } 1;",
      "lib/Two.pm": "package Two;\nuse Text::Abbrev;\nuse Deep;\nsub word { 'two ' . Deep::word() } 1;",
      "lib/Deep.pm": "package Deep;\nsub word { 'a' } 1;",
    ])
  }
}
