import Foundation
import Glibc
import Testing

/// An Apache with mod_perl, a configuration and a port of its own.
final class Apache {
  let site: Site
  let port: UInt16
  let process: ChildProcess
  private let log: String

  /// Where Debian has Apache's modules.
  static let modules = "/usr/lib/apache2/modules"
  static var isInstalled: Bool {
    FileManager.default.fileExists(atPath: modules + "/mod_perl.so") && Products.find("apache2") != nil
      && Products.perl == "/usr/bin/perl"
  }

  /// Runs Apache with this configuration, in which `SITE` and `PORT` are put in, while the test talks to it.
  static func run(
    _ site: Site, mpm: String = "prefork", children: Int = 1, settings: String = "",
    environment: [String: String] = [:],
    _ configuration: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: (Apache) throws -> Void
  ) throws {
    let apache = try Apache(site, mpm, children, settings, configuration, environment)
    defer { apache.process.killSession() }
    do {
      #expect(eventually { apache.isThere }, "\(apache.errors)", sourceLocation: sourceLocation)
      try body(apache)
    } catch {
      Issue.record("\(error)\n\(apache.errors)", sourceLocation: sourceLocation)
    }
    apache.process.send(SIGTERM)
    #expect(apache.process.waitForEnd() == .code(0), "\(apache.errors)", sourceLocation: sourceLocation)
    #expect(!apache.errors.contains("exit signal"), "\(apache.errors)", sourceLocation: sourceLocation)
  }

  private init(
    _ site: Site, _ mpm: String, _ children: Int, _ settings: String, _ configuration: String,
    _ environment: [String: String]
  ) throws {
    self.site = site
    port = Port.free()
    log = site.notes + "/apache.log"
    // Apache's children are somebody else.
    chmod(site.notes, 0o755)
    let perl = site.notes + "/perl"
    try FileManager.default.copyItem(atPath: Products.sourceTree + "/perl/lib", toPath: perl)
    let limits =
      mpm == "prefork"
      ? """
      StartServers \(children)
      MinSpareServers \(children)
      MaxSpareServers \(children)
      ServerLimit \(children)
      MaxRequestWorkers \(children)
      """ : settings
    let text = """
      ServerRoot \(site.path)
      ServerName localhost
      Listen 127.0.0.1:\(port)
      PidFile \(site.notes)/apache.pid
      ErrorLog \(log)
      Mutex pthread
      \(geteuid() == 0 ? "User nobody\nGroup nogroup" : "")
      LoadModule mpm_\(mpm)_module \(Self.modules)/mod_mpm_\(mpm).so
      LoadModule authz_core_module \(Self.modules)/mod_authz_core.so
      LoadModule authz_host_module \(Self.modules)/mod_authz_host.so
      LoadModule alias_module \(Self.modules)/mod_alias.so
      LoadModule perl_module \(Self.modules)/mod_perl.so
      \(limits)
      PerlSetEnv NACRE_LIBRARY \(Products.directory)/libNacre.so
      PerlSwitches -I\(perl) -I\(site.path)/lib
      \(configuration)
      """
    try site.write(
      site.notes + "/apache.conf",
      text.replacingOccurrences(of: "SITE", with: site.path).replacingOccurrences(of: "PORT", with: "\(port)"))
    process = try ChildProcess(
      [Products.find("apache2")!, "-f", site.notes + "/apache.conf", "-DFOREGROUND"], directory: site.path,
      environment: testEnvironment.merging(environment) { $1 }, output: site.notes + "/output",
      errors: site.notes + "/errors")
  }

  private var isThere: Bool { process.ended() != nil || errors.contains("resuming normal operations") }

  /// What it has written.
  var errors: String { contents(of: log) + contents(of: site.notes + "/errors") }

  /// One answer, on a connection of its own.
  func ask(_ path: String = "/", host: String = "localhost", port: UInt16? = nil) throws -> Response {
    let connection = try Connection(port: port ?? self.port)
    try connection.send("GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
    return try connection.response()
  }

  /// Sends the parent a signal that makes it begin anew, and waits until it has.
  func restart(_ signal: Int32) throws {
    let before = starts
    process.send(signal)
    guard eventually({ starts > before }) else { throw Stuck("Apache did not restart") }
  }

  private var starts: Int { errors.components(separatedBy: "resuming normal operations").count }

  /// The body of one answer.
  func text(_ path: String = "/", host: String = "localhost") throws -> String { try ask(path, host: host).text }
}
