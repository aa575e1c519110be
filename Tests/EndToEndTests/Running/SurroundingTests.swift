import Foundation
import Testing

/// What plackup puts around an application: `--path` and `--access-log`.
@Suite(.lane, .enabled(if: Products.perlHas("Plack::App::URLMap", "Plack::Middleware::AccessLog"), "Plack is missing"))
struct SurroundingTests {
  @Test func applicationIsMountedAtItsPath() throws {
    let site = try Site(["app.psgi": Site.app("qq($env->{SCRIPT_NAME} $env->{PATH_INFO})")])
    var options = ServerOptions.development
    options.arguments = ["--path", "/shop"]
    try site.serve(options) { server throws in
      #expect(try server.text("/shop/oysters") == "/shop /oysters", "\(server)")
      #expect(try server.ask("GET", "/oysters").status == 404, "\(server)")
      try site.edit("app.psgi", "qq(", "qq(new ")
      #expect(try server.text("/shop/x") == "new /shop /x", "\(server)")
    }
  }

  @Test func eachRequestIsALineOfTheAccessLogAcrossReloads() throws {
    let site = try Site(["app.psgi": Site.app("'one'")])
    var options = ServerOptions.development
    options.arguments = ["--access-log", "access.log"]
    try site.serve(options) { server throws in
      #expect(try server.text("/first") == "one", "\(server)")
      try site.edit("app.psgi", "one", "two")
      #expect(try server.text("/second") == "two", "\(server)")
      let isWritten = eventually { site.read("access.log").split(separator: "\n").count == 2 }
      #expect(isWritten && site.read("access.log").contains("\"GET /second HTTP/1.1\" 200"), "\(server)")
      #expect(try server.text("/third") == "two", "\(server)")
      #expect(!server.log.contains("generation 3"), "its own lines reload nothing\n\(server)")
    }
  }

  @Test func optionsOfOtherServersAreToldAndHarmless() throws {
    let site = try Site(["app.psgi": Site.app("'one'")])
    var options = ServerOptions.development
    options.arguments = ["-r", "--preload-app", "-s", "Nacre", "-R", "lib,share", "--no-default-middleware"]
    try site.serve(options) { server throws in
      #expect(try server.text() == "one", "\(server)")
      #expect(server.logs("-r: Nacre reloads by itself what has changed"), "\(server)")
    }
  }

  @Test(arguments: [["-D"], ["-s", "Starman"], ["-L", "Delayed"], ["--enable-ssl"], ["--max-servers", "9"]])
  func whatNacreDoesOtherwiseIsOneSentenceAndExitCode2(_ arguments: [String]) throws {
    let site = try Site(["app.psgi": Site.app("'one'")])
    let run = try Command.run([Products.nacre] + arguments + ["app.psgi"], directory: site.path)
    #expect(run.end == .code(2), "\(run)")
    #expect(run.errors.split(separator: "\n").count == 1 && run.errors.hasPrefix("nacre: \(arguments[0])"), "\(run)")
  }
}
