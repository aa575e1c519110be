import Foundation
import Testing

/// The same edits wherever and however the files are watched: the next request is answered as by a fresh start.
@Suite(.lane) struct EverywhereTests {
  /// An application that depends on files in every way.
  private static let files = [
    "app.psgi": Site.app(
      "join ' ', Part::answer(), Release::name(), $words, @conf, ($kept //= slurp('templates/page.tt'))",
      using: """
        use Part; use Release;
        sub slurp { open my $in, '<', $_[0] or return "no $_[0]"; local $/; my $all = <$in>; $all }
        my $words = slurp('words.txt');
        my @conf = map { slurp($_) } sort glob 'conf.d/*.conf';
        my $kept;
        """),
    "lib/Part.pm": part("0"), "words.txt": "word", "conf.d/10.conf": "a", "templates/page.tt": "page",
    "releases/1/Release.pm": "package Release; sub name { 'one' } 1;",
    "releases/2/Release.pm": "package Release; sub name { 'two' } 1;",
  ]
  private static let include = ["lib", "current"]

  private static func part(_ answer: String) -> String { "package Part; sub answer { '\(answer)' } 1;" }

  private static func makeSite() throws -> Site {
    let site = try Site(files, include: include)
    try site.link("current", to: "releases/1")
    return site
  }

  /// An edit and the answer after it.
  private struct Edit {
    var answer: String
    var name: String
    var make: (Site) throws -> Void

    init(_ answer: String, after name: String, _ make: @escaping (Site) throws -> Void) {
      (self.answer, self.name, self.make) = (answer, name, make)
    }
  }

  private static var edits: [Edit] {
    [
      Edit("1 one word a page", after: "code") { try $0.write("lib/Part.pm", part("1")) },
      Edit("2 one word a page", after: "rename over") { try $0.replace("lib/Part.pm", part("2")) },
      Edit("2 one words a page", after: "data") { try $0.write("words.txt", "words") },
      Edit("2 one words a b page", after: "new file") { try $0.write("conf.d/20.conf", "b") },
      Edit("2 one words b page", after: "deletion") { try $0.remove("conf.d/10.conf") },
      Edit("2 two words b page", after: "link") { try $0.switchLink("current", to: "releases/2") },
      Edit("2 zwei words b page", after: "behind the link") { try $0.edit("releases/2/Release.pm", "two", "zwei") },
      Edit("2 zwei words b sheet", after: "template") { try $0.replace("templates/page.tt", "sheet") },
    ]
  }

  /// Makes every edit in `below` and asks the server of `site`, which sees the same files.
  private func edit(_ below: Site, _ site: Site, _ server: Server, _ options: ServerOptions) throws {
    let waits = options.environment == "development"
    func expect(_ answer: String, _ name: String) throws {
      if !waits {
        let came = try eventually { try server.text() == answer }
        #expect(came, "after the edit '\(name)'\n\(server)")
      }
      try server.expectFresh(answer, options: options)
    }
    try expect("0 one word a page", "start")
    for edit in Self.edits {
      try edit.make(below)
      try expect(edit.answer, edit.name)
    }
    try below.write("lib/Part.pm", "package Part; sub answer { ")
    if waits {
      let answer = try server.ask()
      #expect(answer.status == 500 && answer.text.contains("lib/Part.pm"), "\(answer.text)\n\(server)")
    } else {
      #expect(server.logs("Missing right curly"), "\(server)")
      #expect(try server.text() == "2 zwei words b sheet", "\(server)")
    }
    try below.write("lib/Part.pm", Self.part("3"))
    try expect("3 zwei words b sheet", "repair")
  }

  private static let environments = ["development", "production"]

  /// One worker: of several, one that has not read the template yet would do so after the edit, new or not.
  private func options(_ environment: String) -> ServerOptions { ServerOptions(environment: environment, workers: 1) }

  @Test(arguments: environments) func editsAreSeenUnderPolling(environment: String) throws {
    let site = try Self.makeSite()
    var options = self.options(environment)
    options.arguments = ["--poll", "0.2"]
    try site.serve(options) { server in
      #expect(server.logs("files are polled every 0.2 seconds"), "\(server)")
      try edit(site, site, server, options)
    }
  }

  @Test(.slow, .enabled(if: FuseMount.isPossible, "FUSE cannot be mounted here"), arguments: environments)
  func editsAreSeenOnAFileSystemWithoutEvents(environment: String) throws {
    let mount = try FuseMount()
    let below = try Site(at: mount.below)
    for (file, text) in Self.files { try below.write(file, text) }
    try below.link("current", to: "releases/1")
    let site = try Site(at: mount.path, include: Self.include)
    let options = self.options(environment)
    try site.serve(options) { server in
      #expect(server.logs("FUSE or virtiofs does not tell of changes"), "\(server)")
      #expect(server.log.contains(mount.path), "\(server)")
      try edit(below, site, server, options)
      #expect(server.log.components(separatedBy: "does not tell of changes").count == 2, "said once\n\(server)")
    }
  }

  @Test(.slow, .enabled(if: InotifyLimit.isPossible, "user namespaces are not permitted here"), arguments: environments)
  func editsAreSeenWithoutWatches(environment: String) throws {
    let site = try Self.makeSite()
    var options = self.options(environment)
    options.command = InotifyLimit.command(["max_inotify_watches": 3]) + [Products.nacre]
    try site.serve(options) { server in
      #expect(server.logs("no inotify watches are left"), "\(server)")
      #expect(server.logs("raise user.max_inotify_watches (3 now)"), "\(server)")
      try edit(site, site, server, options)
      #expect(server.log.components(separatedBy: "no inotify watches are left").count == 2, "said once\n\(server)")
    }
  }

  @Test(.slow, .enabled(if: InotifyLimit.isPossible, "user namespaces are not permitted here"), arguments: environments)
  func editsAreSeenWithoutAQueue(environment: String) throws {
    let site = try Self.makeSite()
    var options = self.options(environment)
    options.command = InotifyLimit.command(["max_inotify_instances": 0]) + [Products.nacre]
    try site.serve(options) { server in
      #expect(server.logs("the kernel gives no inotify queue"), "\(server)")
      try edit(site, site, server, options)
    }
  }

  @Test(
    .enabled(if: InotifyLimit.isPossible, "user namespaces are not permitted here"),
    arguments: ["max_inotify_watches", "max_inotify_instances"])
  func pollingEndsWhenTheKernelCanWatchAgain(limit: String) throws {
    let site = try Self.makeSite()
    var options = ServerOptions.development
    options.command = InotifyLimit.command([limit: limit == "max_inotify_watches" ? 3 : 0]) + [Products.nacre]
    try site.serve(options) { server in
      #expect(server.logs("raise user.\(limit)"), "\(server)")
      try InotifyLimit.set(limit, to: 10_000, of: server.process.pid)
      #expect(server.logs("nothing is polled any more"), "\(server)")
      try edit(site, site, server, options)
    }
  }

  @Test func aKeptConnectionSeesEverySaveUnderPolling() throws {
    let site = try Self.makeSite()
    var options = ServerOptions.development
    // Nobody looks meanwhile: only the requests do.
    options.arguments = ["--poll", "3600"]
    try site.serve(options) { server in
      let connection = try server.connect()
      for round in 1...20 {
        try site.write("lib/Part.pm", Self.part("\(round)"))
        #expect(try connection.exchange().text == "\(round) one word a page", "\(server)")
      }
    }
  }
}
