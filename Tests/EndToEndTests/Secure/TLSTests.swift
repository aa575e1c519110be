import Foundation
import Glibc
import Testing

/// TLS, with HTTP/1.1 and HTTP/2 in it.
@Suite(.lane) struct TLSTests {
  private let ways: [Way] = [.tls, .http2]
  private let telling = Site.app(
    "join ' ', map { $env->{$_} // '-' } qw(HTTPS psgi.url_scheme SERVER_PROTOCOL REMOTE_ADDR SERVER_NAME SERVER_PORT HTTP_HOST)"
  )

  private func serve(
    _ way: Way, app: String, _ arguments: [String] = [], environment: String = "development",
    _ body: (Server) throws -> Void
  ) throws {
    let site = try Site(["app.psgi": app])
    try site.makeCertificate()
    var options = way.options(environment: environment)
    options.arguments += arguments
    try site.serve(options, body)
  }

  @Test(arguments: [(Way.tls, "HTTP/1.1"), (.http2, "HTTP/2")])
  func applicationSeesTheClientAndItsScheme(_ way: Way, _ version: String) throws {
    try serve(way, app: telling) { server throws in
      let run = try server.curl(way)
      #expect(run.output == "on https \(version) 127.0.0.1 127.0.0.1 \(server.port) 127.0.0.1:\(server.port)", "\(run)")
    }
  }

  @Test func clearTextHasNoHTTPS() throws {
    try serve(.http2InTheClear, app: telling) { server throws in
      let expected = "- http HTTP/2 127.0.0.1 127.0.0.1 \(server.port) 127.0.0.1:\(server.port)"
      #expect(try server.curl(.http2InTheClear).output == expected, "\(server)")
      #expect(try server.curl(.tcp).output.hasPrefix("- http HTTP/1.1 "), "\(server)")
    }
  }

  @Test func everythingOlderThanTLS12IsRefused() throws {
    try serve(.tls, app: telling) { server throws in
      #expect(try server.curl(.tls, "/", ["--tls-max", "1.2"]).output.hasPrefix("on https"), "\(server)")
      let old = try server.curl(.tls, "/", ["--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"])
      #expect(old.end == .code(35), "\(old)")
    }
  }

  @Test func onlyMarkedAddressesSpeakTLS() throws {
    let site = try Site(["app.psgi": telling])
    try site.makeCertificate()
    let other = Port.free()
    var options = ServerOptions.development
    options.listen = ["127.0.0.1:PORT:ssl", "127.0.0.1:\(other)", "app.sock"]
    options.arguments = ["--ssl-cert", "cert.pem", "--ssl-key", "key.pem"]
    try site.serve(options) { server throws in
      #expect(server.logs("https://127.0.0.1:\(server.port)/ and http://127.0.0.1:\(other)/ and unix:"), "\(server)")
      #expect(try server.curl(.tls).output.hasPrefix("on https"), "\(server)")
      #expect(
        try Connection(port: other).exchange(headers: ["Connection: close"]).text.hasPrefix("- http "), "\(server)")
      #expect(
        try Connection(path: site.absolute("app.sock")).exchange(headers: ["Connection: close"]).text.hasPrefix(
          "- http "),
        "\(server)")
    }
  }

  // MARK: The certificate

  @Test(arguments: [
    (["--tls-cert", "none.pem"], "the certificate SITE/none.pem cannot be read: No such file or directory"),
    (["--tls-cert", "app.psgi"], "SITE/app.psgi holds no certificate in PEM form"),
    (["--tls-cert", "cert.pem"], "SITE/cert.pem holds no private key in PEM form"),
    (["--tls-cert", "cert.pem", "--tls-key", "none.pem"], "the private key SITE/none.pem cannot be read"),
    (
      ["--tls-cert", "cert.pem", "--tls-key", "other.key"],
      "the private key in SITE/other.key does not belong to the first certificate in SITE/cert.pem"
    ),
    (["--tls-cert", "cert.pem", "--tls-key", "locked.key"], "the private key in SITE/locked.key has a passphrase"),
    (["--tls-key", "key.pem"], "--tls-key needs a certificate"), (["-l", ":0:ssl"], "TLS needs a certificate"),
  ])
  func badFilesAreOneSentence(_ arguments: [String], _ sentence: String) throws {
    let site = try Site(["app.psgi": telling])
    try site.makeCertificate()
    try site.makeCertificate("other.pem", key: "other.key")
    _ = try Command.run(
      [
        "/usr/bin/openssl", "pkey", "-in", "key.pem", "-aes256", "-passout", "pass:x", "-out", "locked.key",
      ], directory: site.path)
    let run = try Command.run([Products.nacre] + arguments + ["app.psgi"], directory: site.path)
    #expect(run.end == .code(arguments.contains("--tls-cert") ? 1 : 2), "\(run)")
    #expect(run.errors.contains(sentence.replacingOccurrences(of: "SITE", with: site.path)), "\(run)")
    #expect(run.errors.split(separator: "\n").count == 1, "\(run)")
  }

  @Test func keyMayBeInTheCertificatesFile() throws {
    let site = try Site(["app.psgi": telling])
    try site.makeCertificate("both.pem", key: "both.pem.key")
    try site.write("cert.pem", site.read("both.pem") + site.read("both.pem.key"))
    var options = ServerOptions.development
    options.arguments = ["--tls-cert", "cert.pem"]
    try site.serve(options) { server throws in
      #expect(try server.curl(.tls).output.hasPrefix("on https"), "\(server)")
    }
  }

  @Test func expiredCertificateIsAWarning() throws {
    let site = try Site(["app.psgi": telling])
    try site.makeCertificate("young.pem")
    // Signed anew, to have ended yesterday.
    let run = try Command.run(
      ["/usr/bin/openssl", "x509", "-in", "young.pem", "-signkey", "key.pem", "-days", "-1", "-out", "cert.pem"],
      directory: site.path)
    #expect(run.end == .code(0), "\(run)")
    try site.serve(Way.tls.options()) { server throws in
      #expect(server.logs("the certificate in \(site.path)/cert.pem has expired ("), "\(server)")
      #expect(try server.curl(.tls, "/", ["-k"]).output.hasPrefix("on https"), "\(server)")
    }
  }

  @Test(arguments: ["HUP", "reload"]) func reloadReadsTheCertificateAgainAndKeepsTheOldOneIfItIsBad(how: String) throws
  {
    let site = try Site(["app.psgi": telling])
    try site.makeCertificate()
    try site.serve(Way.tls.options()) { server throws in
      func reload() throws {
        if how == "HUP" { return server.process.send(SIGHUP) }
        let run = try Command.run(
          [Products.nacre, "reload", "-p", "\(server.port)"], environment: site.controlVariables)
        #expect(run.end == .code(0), "\(run)")
      }
      func subject() throws -> String {
        let run = try Command.run([
          Products.find("sh")!, "-c",
          "openssl s_client -connect 127.0.0.1:\(server.port) </dev/null 2>/dev/null | openssl x509 -noout -subject",
        ])
        return run.output.trimmingCharacters(in: .whitespacesAndNewlines)
      }
      #expect(try subject() == "subject=CN = cert.pem", "\(server)")
      try site.makeCertificate("new.pem", key: "new.key")
      try site.rename("new.pem", to: "cert.pem")
      try reload()
      #expect(server.logs("does not belong to the first certificate"), "\(server)")
      #expect(server.log.contains("the certificate that was read before stays in use"), "\(server)")
      #expect(try subject() == "subject=CN = cert.pem", "\(server)")
      try site.rename("new.key", to: "key.pem")
      try reload()
      let isNew = try eventually { try subject() == "subject=CN = new.pem" }
      #expect(isNew, "\(server)")
    }
  }
}
