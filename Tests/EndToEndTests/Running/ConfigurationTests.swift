import Testing

/// `nacre.toml`, as a person uses it.
@Suite(.lane) struct ConfigurationFileTests {
  private func site(_ configuration: String) throws -> Site {
    try Site(["app.psgi": Site.app("$env->{SCRIPT_NAME}"), "nacre.toml": configuration])
  }

  @Test func serverTakesItsOptionsFromTheFileBesideTheApplication() throws {
    try site("max-body-size = 10\nworkers = 3").serve { server throws in
      #expect(server.log.contains("nacre: options from nacre.toml"), "\(server)")
      #expect(try server.ask("POST", "/", body: Array("0123456789a".utf8)).status == 413, "\(server)")
      // The tests say --workers 2.
      #expect(server.logs("2 workers"), "\(server)")
    }
  }

  @Test func mistakeInTheFileStopsTheStart() throws {
    let site = try site("workers = 2\nprot = 80")
    let run = try Command.run([Products.nacre, "app.psgi"], directory: site.path)
    #expect(run.end == .code(2), "\(run)")
    #expect(run.errors == "nacre: nacre.toml line 2: there is no option prot; did you mean port?\n", "\(run)")
  }

  @Test func checkTellsAllMistakesAndStartsNothing() throws {
    let site = try site("workers = 2\nprot = 80\nhold = 0")
    let bad = try Command.run([Products.nacre, "config", "check"], directory: site.path)
    #expect(bad.end == .code(2) && bad.errors.contains("line 2") && bad.errors.contains("line 3"), "\(bad)")
    try site.write("other.toml", "workers = 2")
    let good = try Command.run([Products.nacre, "config", "check", "other.toml"], directory: site.path)
    #expect(good.end == .code(0) && good.output == "other.toml: 1 option, all good\n", "\(good)")
  }
}
