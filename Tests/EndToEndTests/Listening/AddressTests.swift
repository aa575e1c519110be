import CLinux
import Foundation
import Glibc
import Testing

/// Every kind of address that `-l` takes.
@Suite(.lane) struct AddressTests {
  /// Answers with where the request came from and came in.
  static let telling = Site.app(
    "join ' ', map { defined $env->{$_} ? qq('$env->{$_}') : 'undef' } qw(REMOTE_ADDR REMOTE_PORT SERVER_NAME SERVER_PORT)"
  )
  private let hello = Site.app("'hello'")

  private func serve(
    _ listen: [String], _ arguments: [String] = [], app: String = telling, _ body: (Server) throws -> Void
  ) throws {
    var options = ServerOptions.development
    options.listen = listen
    options.arguments = arguments
    try Site(["app.psgi": app]).serve(options, body)
  }

  private func text(_ connection: Connection) throws -> String {
    try connection.exchange(headers: ["Connection: close"]).text
  }

  private func nacre(_ arguments: [String], in site: Site) throws -> Command {
    try Command.run([Products.nacre] + arguments, directory: site.path)
  }

  /// A command that failed with one sentence.
  private func expectSentence(_ run: Command, _ words: String, code: Int32 = 1) {
    #expect(run.end == .code(code), "\(run)")
    #expect(run.errors.split(separator: "\n").count == 1 && run.errors.contains(words), "\(run)")
  }

  @Test(arguments: ["127.0.0.1:PORT", ":PORT", "PORT", "localhost:PORT", "[::]:PORT", "*:PORT"])
  func ipv4ClientsAreKnownByTheirAddress(_ address: String) throws {
    try serve([address]) { server in
      let connection = try server.connect()
      let port = connection.localPort
      #expect(try text(connection) == "'127.0.0.1' '\(port)' '127.0.0.1' '\(server.port)'", "\(server)")
    }
  }

  @Test(.enabled(if: canIPv6, "there is no ::1 here"), arguments: [[":PORT", "[::1]:PORT"], [":PORT", "[::]:PORT"]])
  func ipv6AddressesMayStandBesideAllOfIPv4(_ addresses: [String]) throws {
    try serve(addresses) { server in
      let connection = try Connection(portOfIPv6: server.port)
      let answer = try text(connection).split(separator: " ")
      #expect(answer[0] == "'::1'" && answer[2] == "'::1'" && answer[3] == "'\(server.port)'", "\(answer)")
      #expect(try text(server.connect()).hasPrefix("'127.0.0.1'"))
    }
  }

  private static let canIPv6: Bool = {
    let probe = try? Command.run(
      [
        Products.perl, "-MIO::Socket::IP", "-e",
        "exit !IO::Socket::IP->new(LocalHost => '::1', LocalPort => 0, Listen => 1)",
      ])
    return probe?.end == .code(0)
  }()

  @Test func unixSocketShowsWhatStarmanShows() throws {
    try serve(["app.sock"]) { server in
      let answer = try text(Connection(path: server.site.absolute("app.sock")))
      #expect(answer == "undef '0' '0' '0'", "\(server)")
      #expect(server.logs("unix:\(server.site.absolute("app.sock")) serves app.psgi"), "\(server)")
    }
  }

  @Test func severalAddressesAreServedAndNamed() throws {
    try serve(["127.0.0.1:PORT", "one.sock"], ["-S", "two.sock"], app: hello) { server in
      let site = server.site
      #expect(try server.text() == "hello")
      for file in ["one.sock", "two.sock"] { #expect(try text(Connection(path: site.absolute(file))) == "hello") }
      let names = "http://127.0.0.1:\(server.port)/ and unix:\(site.path)/one.sock and unix:\(site.path)/two.sock"
      #expect(server.logs(names + " serves"), "\(server)")
      try site.edit("app.psgi", "hello", "changed")
      #expect(try text(Connection(path: site.absolute("two.sock"))) == "changed", "\(server)")
    }
  }

  @Test func socketsFileGoesWithTheServer() throws {
    let site = try Site(["app.psgi": hello])
    var options = ServerOptions.development
    options.listen = ["app.sock"]
    try site.serve(options) { _ in }
    #expect(!FileManager.default.fileExists(atPath: site.absolute("app.sock")))
  }

  @Test func anothersFileInThePlaceOfTheSocketIsLeft() throws {
    let site = try Site(["app.psgi": hello])
    var options = ServerOptions.development
    options.listen = ["app.sock"]
    try site.serve(options) { _ in
      try site.remove("app.sock")
      try site.write("app.sock", "somebody else's")
    }
    #expect(site.read("app.sock") == "somebody else's")
  }

  @Test(arguments: [("600", 0o600), ("0660", 0o660), ("0o777", 0o777)])
  func socketModeIsTheFilesMode(_ mode: String, _ expected: mode_t) throws {
    try serve(["app.sock"], ["--socket-mode", mode], app: hello) { server in
      var status = stat()
      #expect(lstat(server.site.absolute("app.sock"), &status) == 0)
      #expect(status.st_mode & 0o777 == expected, "\(String(status.st_mode, radix: 8))")
    }
  }

  @Test func socketOfADeadServerIsReplaced() throws {
    let site = try Site(["app.psgi": hello])
    var options = ServerOptions.development
    options.listen = ["app.sock"]
    let dead = try Command.run(
      [
        Products.perl, "-MSocket", "-e",
        "socket S, PF_UNIX, SOCK_STREAM, 0 or die; bind S, sockaddr_un('app.sock') or die",
      ],
      directory: site.path)
    #expect(dead.end == .code(0), "\(dead)")
    try site.serve(options) { server throws in
      #expect(try text(Connection(path: site.absolute("app.sock"))) == "hello", "\(server)")
    }
  }

  @Test func socketOfALivingServerIsNotTaken() throws {
    try serve(["app.sock"], app: hello) { server in
      expectSentence(
        try nacre(["-l", "app.sock", "app.psgi"], in: server.site),
        "another server listens on \(server.site.absolute("app.sock"))")
      #expect(try text(Connection(path: server.site.absolute("app.sock"))) == "hello", "\(server)")
    }
  }

  @Test func filesThatAreNoSocketsAreNotTouched() throws {
    let site = try Site(["app.psgi": hello, "precious": "data"])
    expectSentence(try nacre(["-l", "precious", "app.psgi"], in: site), "precious is a file and no socket")
    #expect(site.read("precious") == "data")
    expectSentence(try nacre(["-l", "missing/app.sock", "app.psgi"], in: site), "cannot listen on")
  }

  @Test func addressesAreAllBoundOrNone() throws {
    let site = try Site(["app.psgi": hello, "precious": "data"])
    expectSentence(try nacre(["-l", "app.sock", "-l", "precious", "app.psgi"], in: site), "precious")
    #expect(!FileManager.default.fileExists(atPath: site.absolute("app.sock")))
  }

  @Test func wrongHostsAreOneSentence() throws {
    let site = try Site(["app.psgi": hello])
    expectSentence(try nacre(["-l", "no-such-host.invalid:0", "app.psgi"], in: site), "cannot be found")
    expectSentence(try nacre(["-l", "192.0.2.1:0", "app.psgi"], in: site), "no address of this machine")
  }

  @Test func hostAndPortAreNotLookedAtBesideListen() throws {
    // As with Starman.
    let site = try Site(["app.psgi": hello])
    var options = ServerOptions.development
    options.listen = ["127.0.0.1:PORT"]
    options.arguments = ["-o", "192.0.2.1", "-p", "1"]
    try site.serve(options) { server throws in #expect(try server.text() == "hello", "\(server)") }
  }

  @Test func slowHeadsAndPipelinedRequestsComeThroughAUnixSocket() throws {
    try serve(["app.sock"], app: hello) { server in
      let connection = try Connection(path: server.site.absolute("app.sock"))
      for byte in "GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8 { try connection.send([byte]) }
      #expect(try connection.response().text == "hello")
      try connection.send(String(repeating: "GET / HTTP/1.1\r\nHost: x\r\n\r\n", count: 3))
      for _ in 0..<3 { #expect(try connection.response().text == "hello", "\(server)") }
    }
  }

  @Test func disabledKeepAliveClosesEveryConnection() throws {
    let site = try Site(["app.psgi": hello])
    var options = ServerOptions.development
    options.arguments = ["--disable-keepalive"]
    try site.serve(options) { server in
      let connection = try server.connect()
      let answer = try connection.exchange()
      #expect(answer.text == "hello" && answer["Connection"] == "close", "\(answer)")
      #expect(try connection.isClosed())
    }
  }

  @Test func idleConnectionsAndSlowHeadsEndInTime() throws {
    let site = try Site(["app.psgi": hello])
    var options = ServerOptions.development
    options.arguments = ["--keepalive-timeout", "1", "--read-timeout", "1"]
    try site.serve(options) { server in
      let idle = try server.connect()
      #expect(try idle.exchange().text == "hello")
      #expect(try idle.isClosed())
      let slow = try server.connect()
      try slow.send("GET / HTTP/1.1\r\n")
      #expect(try slow.response().status == 408, "\(server)")
    }
  }
}
