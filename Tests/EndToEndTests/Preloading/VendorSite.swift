import Foundation
import Testing

/// An application with libraries of its own that are not watched: the server's perl has them among its directories.
struct VendorSite {
  let site: Site
  var options: ServerOptions
  /// The perl that has them.
  let perl: String

  /// - Parameters:
  ///   - files: The application.
  ///   - vendor: The libraries, by their keys.
  init(_ files: [String: String], vendor: [String: String]) throws {
    try self.init(Site(files), vendor: vendor)
  }

  /// The same for an application that is there.
  init(_ site: Site, vendor: [String: String]) throws {
    self.site = site
    let directory = site.notes + "/vendor"
    for (key, text) in vendor { try site.write(directory + "/" + key, text) }
    perl = site.notes + "/perl"
    try site.write(perl, "#!/bin/sh\nexec \(Products.perl) -I\(directory) \"$@\"\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: perl)
    options = .development
    options.preloads = true
    options.arguments = ["--perl", perl]
  }

  /// As a fresh perl is to be started.
  private var freshOptions: ServerOptions {
    var options = ServerOptions.development
    options.variables["PERL5LIB"] = site.notes + "/vendor"
    return options
  }

  /// Serves, and goes on once the libraries are loaded first and that was found right.
  func serve(_ body: (Server) throws -> Void) throws {
    try site.serve(options) { server in
      try server.awaitPreload("verified")
      try body(server)
    }
  }

  /// Checks the next answer, and that it is that of a fresh start.
  func expectFresh(_ server: Server, _ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    try server.expectFresh(text, options: freshOptions, sourceLocation: sourceLocation)
  }
}

extension Server {
  /// What `nacre status` says of the preload.
  func preload() throws -> [String: Any] { try document("/v1/status")["preload"] as? [String: Any] ?? [:] }

  /// Waits until the preload is in this state, checked, and nothing is being tried.
  func awaitPreload(_ state: String) throws {
    var last: [String: Any] = [:]
    let came = eventually(within: 60) {
      // The control socket may not be there yet.
      guard let now = try? preload() else { return false }
      last = now
      return now["state"] as? String == state && now["examining"] as? Bool == false && now["checked"] as? Bool == true
    }
    guard came else { throw Stuck("the preload is \(last), not \(state)") }
  }

  /// Waits until nothing is left to be found out about the preload, and says what was.
  func settledPreload() throws -> [String: Any] {
    var last: [String: Any] = [:]
    let came = eventually(within: 90) {
      guard let now = try? preload() else { return false }
      last = now
      return now["settled"] as? Bool == true
    }
    guard came else { throw Stuck("the preload does not settle: \(last)") }
    return last
  }

  /// The files that the last reload has loaded.
  func lastLoaded() throws -> [String] { try reloads().first?["loadedFiles"] as? [String] ?? [] }

  /// How the last generation came to be.
  func lastWay() throws -> String { try reloads().first?["way"] as? String ?? "" }
}
