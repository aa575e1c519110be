import Foundation
import Glibc
import Testing

/// Where the control socket is, and what happens when it cannot be there.
@Suite(.lane) struct ControlPlaceTests {
  @Test func isItsOwnersAloneAndGoesWithTheServer() throws {
    try Site.chained().steer { server throws in
      #expect(mode(server.site.notes + "/nacre") == 0o700)
      #expect(mode(server.controlSocket) == 0o600)
      server.process.send(SIGTERM)
      #expect(server.process.waitForEnd() == .code(0))
      #expect(mode(server.controlSocket) == nil)
    }
  }

  @Test func withoutARuntimeDirectoryItIsInTheTemporaryOne() throws {
    let site = try Site.chained()
    var options = ServerOptions.development
    options.variables = ["XDG_RUNTIME_DIR": "", "TMPDIR": site.notes]
    try site.serve(options) { server throws in
      #expect(try server.text() == "one a two a")
      #expect(mode(site.notes + "/nacre-\(geteuid())/\(server.port).sock") == 0o600)
      #expect(try server.nacre("status").end == .code(0))
    }
  }

  @Test func offMeansNone() throws {
    let site = try Site.chained()
    var options = ServerOptions.development
    options.arguments = ["--control", "off"]
    try site.serve(options) { server throws in
      #expect(try server.text() == "one a two a")
      #expect(mode(server.controlSocket) == nil)
      #expect(try server.nacre("status").end == .code(3))
    }
  }

  @Test func badDefaultDirectoryLeavesTheServerWithoutControl() throws {
    let site = try Site.chained()
    try site.write(site.notes + "/nacre/x", "")
    chmod(site.notes + "/nacre", 0o777)
    try site.serve { server throws in
      #expect(try server.text() == "one a two a")
      #expect(server.logs("nacre has mode 0777: chmod 700 it"))
      #expect(server.logs("The server runs without control"))
      // A socket that anybody may have put there is not asked either.
      #expect(try server.nacre("status").end == .code(3))
    }
  }

  @Test func badPathThatWasAskedForEndsTheStart() throws {
    let site = try Site.chained()
    for (path, reason) in [
      ("/tmp/x.sock", "/tmp"), (site.absolute("app.psgi/x.sock"), "app.psgi"),
      ("/nowhere/deep/x.sock", "/nowhere/deep"),
    ] {
      let run = try site.nacre(["-p", "0", "--control", path, "app.psgi"])
      #expect(run.end == .code(1), "\(run)")
      #expect(run.errors.split(separator: "\n").count == 1 && run.errors.contains(reason), "\(run.errors)")
    }
    #expect(try site.nacre(["--control", "", "app.psgi"]).end == .code(2))
  }

  @Test func socketOfADeadServerIsReplaced() throws {
    let site = try Site.chained()
    var options = ServerOptions.development
    let socket = site.notes + "/own/my.sock"
    options.arguments = ["--control", socket]
    try site.serve(options) { server throws in
      #expect(try server.text() == "one a two a")
      #expect(mode(socket) == 0o600)
    }
    // As a server leaves it whose guardian is killed, too.
    let dead = try Command.run(
      [
        Products.perl, "-MSocket", "-e", "socket S, PF_UNIX, SOCK_STREAM, 0 or die; bind S, sockaddr_un(shift) or die",
        socket,
      ])
    #expect(dead.end == .code(0), "\(dead)")
    try site.serve(options) { server throws in
      #expect(try server.text() == "one a two a")
      #expect(try server.nacre("status", "--control", socket).end == .code(0))
      let second = try site.nacre(["-p", "0", "--control", socket, "app.psgi"])
      #expect(second.end == .code(1))
      #expect(second.errors.contains("another server is controlled at \(socket)"), "\(second.errors)")
      #expect(try server.nacre("status", "--control", socket).end == .code(0))
    }
  }

  @Test func clientsThatHangOrVanishCostTheServerNothing() throws {
    try Site.chained().steer { server throws in
      let followers = try (0..<20).map { _ in
        let connection = try Connection(path: server.controlSocket)
        try connection.request("GET", "/v1/events")
        return connection
      }
      for word in ["b", "c"] {
        let old = word == "b" ? "a" : "b"
        try server.site.edit("lib/Deep.pm", "'\(old)'", "'\(word)'")
        #expect(try server.text() == "one \(word) two \(word)")
      }
      _ = followers.count
      for _ in 0..<200 { try Connection(path: server.controlSocket).request("GET", "/v1/status") }
      #expect(try server.control("GET", "/v1/status").status == 200)
    }
  }

  private func mode(_ path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o777 : nil
  }
}
