import ArgumentParser
import Supervision
import Testing

@testable import nacre

/// What plackup's and starman's users write is understood, or refused with one sentence.
@Suite struct OtherServersOptionsTests {
  private func translate(_ arguments: String...) throws -> OtherServersOption.Translation {
    try ServeOptions.translated(arguments)
  }

  /// A value that an option of Nacre's own takes.
  private static let values = [
    "--port": "80", "-p": "80", "--backlog": "5", "--workers": "3", "--max-requests": "9", "--keepalive-timeout": "9",
    "--read-timeout": "9", "--max-workers": "3", "--max-reqs-per-child": "9", "--spawn-interval": "1",
    "--min-reqs-per-child": "1", "-M": "Foo", "-e": "sub {}", "-E": "deployment", "--env": "deployment",
    "--path": "/shop",
  ]

  @Test(arguments: OtherServersOption.all.flatMap { option in option.names.map { ($0, option.takesValue) } })
  func everyOptionIsUnderstoodOrRefusedWithOneSentence(_ name: String, _ takesValue: Bool) throws {
    let option = try #require(OtherServersOption.named(name))
    let words = [name] + (takesValue ? [Self.values[name] ?? "word"] : []) + ["app.psgi"]
    switch option.conduct {
    case .refused, .depends:
      let error = #expect(throws: StartupError.self) { try ServeOptions.translated(words) }
      let text = error?.description ?? ""
      #expect(error?.isUsage == true)
      #expect(text.hasPrefix(name) && text.hasSuffix(".") && !text.contains("\n") && text.count > 30, "\(text)")
    case .accepted(let reason):
      let translation = try ServeOptions.translated(words)
      #expect(translation == .init(arguments: ["app.psgi"], notes: ["\(name): \(reason)"]))
    case .own, .means:
      let translation = try ServeOptions.translated(words)
      #expect(translation.notes.isEmpty)
      do {
        let options = try ServeOptions.parse(translation.arguments)
        #expect(name == "-a" || name == "--app" || options.load.app == "app.psgi")
      } catch {
        // Help and version end the parsing well; an application is given once.
        let message = ServeOptions.message(for: error)
        #expect(ServeOptions.exitCode(for: error).isSuccess || message.contains("once"), "\(message)")
      }
    }
  }

  @Test func noNameIsThereTwice() {
    let names = OtherServersOption.all.flatMap(\.names)
    #expect(Set(names).count == names.count)
  }

  @Test(arguments: ["Nacre", "nacre"]) func nacreIsTheServer(_ name: String) throws {
    #expect(try translate("-s", name, "app.psgi").arguments == ["app.psgi"])
    #expect(try translate("--server=\(name)", "app.psgi").arguments == ["app.psgi"])
  }

  @Test(arguments: ["-s Starman", "-L Delayed", "--loader=Delayed", "--net-server-x 1", "--net_server_x=1"])
  func otherServersAndLoadersAreRefused(_ text: String) {
    let words = text.split(separator: " ").map(String.init)
    #expect(throws: StartupError.self) { try ServeOptions.translated(words + ["app.psgi"]) }
  }

  @Test(arguments: ["Restarter", "Shotgun"]) func loadersThatReloadAreNotNeeded(_ name: String) throws {
    let translation = try translate("-L", name, "app.psgi")
    #expect(translation.arguments == ["app.psgi"] && translation.notes.count == 1)
  }

  @Test func starmansWordsForTLSAreNacres() throws {
    #expect(
      try translate("--enable-ssl", "--ssl-cert", "c.pem", "--ssl-key=k.pem", "app.psgi").arguments
        == ["--enable-ssl", "--tls-cert", "c.pem", "--tls-key", "k.pem", "app.psgi"])
    #expect(try translate("--ssl=1", "--ssl_cert", "c.pem").arguments == ["--enable-ssl", "--tls-cert", "c.pem"])
  }

  @Test func directoriesToReloadAreWatched() throws {
    #expect(
      try translate("-R", "lib,share", "app.psgi").arguments == ["--watch", "lib", "--watch", "share", "app.psgi"])
    #expect(try translate("-Rlib").arguments == ["--watch", "lib"])
  }

  @Test func reloadIsPlackupsWithoutAValueAndNacresWithOne() throws {
    #expect(try translate("--reload", "app.psgi").arguments == ["app.psgi"])
    #expect(try translate("--reload", "-p", "80").arguments == ["-p", "80"])
    #expect(try translate("--reload").arguments == [])
    #expect(try translate("--reload", "off", "app.psgi").arguments == ["--reload", "off", "app.psgi"])
    #expect(try translate("-r", "-Ilib", "app.psgi").arguments == ["-I", "lib", "app.psgi"])
  }

  @Test func wordsMayBeJoinedByUnderscores() throws {
    let options = try ServeOptions.parse(translate("--max_requests=7", "--max_workers", "3", "--preload_app").arguments)
    #expect(options.processes.maximumRequests == 7 && options.processes.workers == 3)
  }

  @Test func valuesThatLookLikeOptionsAreValues() throws {
    #expect(try translate("-e", "-r", "-I", "-D").arguments == ["-e", "-r", "-I", "-D"])
    #expect(try translate("--ignore", "-s", "app.psgi").arguments == ["--ignore", "-s", "app.psgi"])
    #expect(try translate("--", "-r").arguments == ["--", "-r"])
  }
}
