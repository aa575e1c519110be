import ProcessProtocol
import ReloadModel

/// One of everything that is sent, with values that differ from all defaults.
enum Samples {
  static let fingerprint = Fingerprint(
    device: 1, inode: .max, size: 3, modified: -4, changed: .min, hash: 0x0123_4567_89AB_CDEF)

  static let events: [TraceEvent] = [
    .began(file: "/srv/My/App.pm", key: "My/App.pm", requester: "/srv/app.psgi", line: 7, fingerprint: fingerprint),
    .ended(file: "/srv/My/App.pm", loaded: true, microseconds: 1234),
    .ended(file: "/srv/My/Broken.pm", loaded: false, microseconds: .max),
    .missing(path: "/srv/lib/Optional.pm"),
    .read(file: "/srv/ä ö.conf", fingerprint: fingerprint),
    .listed(directory: "/srv/conf.d", hash: 99),
    .tested(path: "/srv/x", kind: .missing), .tested(path: "/srv/x", kind: .file),
    .tested(path: "/srv/x", kind: .directory), .tested(path: "/srv/x", kind: .other),
    .measured(path: "/srv/y", fingerprint: fingerprint),
    .library(file: "/usr/share/perl/5.36/Carp.pm", key: "Carp.pm", microseconds: 0),
    .used(key: "My/App.pm", requester: "/srv/app/lib/My/Other.pm", line: 4_000_000_000),
    .written(path: "/srv/app/tmp/cache"),
    .entered(file: "/usr/share/perl5/Moo.pm", key: "Moo.pm", surroundings: nil, company: .max),
    .entered(
      file: "/usr/share/perl5/Moo.pm", key: "Moo.pm",
      surroundings: .init(includes: ["/usr/share/perl5"], environment: ["HOME": nil, "APP": "x=1"]),
      company: 1),
    .entered(file: "/usr/share/perl5/Moo.pm", key: "Moo.pm", surroundings: .init(includes: nil), company: 0),
  ]

  static let settings = [
    RunSettings(
      application: .file("/srv/app.psgi"), includeDirectories: ["lib", "/x"], modules: ["Foo=bar,baz"],
      environment: "development", looksBeforeRequests: true,
      rules: WatchRules(libraryDirectories: ["/usr/share/perl"], watchedDirectories: ["/usr/share/perl/mine"]),
      spoolDirectory: "/tmp", destructs: true),
    RunSettings(
      application: .code("sub { [200, [], []] }", file: nil), includeDirectories: [], modules: [],
      environment: "production", looksBeforeRequests: false, rules: WatchRules(libraryDirectories: []),
      spoolDirectory: "/var/tmp"),
    RunSettings(
      application: .code("mount()", file: "/srv/app.psgi"), includeDirectories: [""], modules: ["A"], environment: "",
      looksBeforeRequests: false, rules: WatchRules(libraryDirectories: [""]), spoolDirectory: ""),
  ]

  static let serviceSettings: RunSettings = {
    var settings = Self.settings[0]
    settings.service.keepsAlive = false
    settings.service.maximumRequests = 500
    settings.service.mountPath = "/shop"
    settings.service.accessLog = "/var/log/access"
    settings.service.logFormat = .json
    settings.service.makesRequestIDs = true
    settings.service.trustedProxies = TrustedProxies(["10.0.0.0/8", "unix:"])!
    settings.service.maximumHead = 4096
    settings.service.maximumBody = 5 << 32
    settings.service.responseBuffer = 1 << 40
    return settings
  }()

  static let preload: LoadPlan = {
    let one = PreloadOrder.Surroundings(includes: ["lib", "/usr/share/perl5"])
    let other = PreloadOrder.Surroundings(includes: ["/usr/share/perl5"], environment: ["X": "1", "Y": nil])
    var plan = LoadPlan(files: ["/a"], interval: 1, maximum: 2)
    plan.hottest = "/a"
    plan.isTrial = true
    plan.preload = PreloadOrder(files: [
      .init(key: "A.pm", directory: "/usr/share/perl5", surroundings: one, rank: 7, company: 1),
      .init(key: "B/C.pm", directory: "/srv/lib", surroundings: other, rank: 0, company: .max),
      .init(key: "D.pm", directory: "/usr/share/perl5", surroundings: one, rank: .max, company: 0),
    ])
    return plan
  }()

  static let commands: [Command] =
    (settings + [serviceSettings]).map { .configure($0) } + [
      .forkCandidate(
        generation: .max, token: 2, cell: 3, plan: LoadPlan(files: ["/a", "/b"], interval: 4, maximum: 16)),
      .forkCandidate(generation: 1, token: 0, cell: 0, plan: LoadPlan(files: [], interval: 0, maximum: 0)),
      .forkWorker(token: .max, cell: 1023, generation: 1 << 40),
      .forkCandidate(generation: 1, token: 5, cell: 6, plan: preload),
      .takeCensus(token: 9, firstIsNatural: true), .takeCensus(token: 9, firstIsNatural: false), .serve,
    ]

  static let failures: [LoadFailure] = [
    LoadFailure.Cause.died, .exited, .killed, .timedOut, .thread, .notAnApplication, .system,
  ].map {
    LoadFailure(
      cause: $0, file: "/srv/My/App.pm", line: 12, message: "syntax error\nnear \"}\"", status: -3,
      chain: [.init(file: "/srv/app.psgi", line: 1), .init(file: "/srv/My/App.pm", line: .max)])
  }

  private static func hooked(_ failure: LoadFailure) -> LoadFailure {
    var failure = failure
    failure.hook = .init(file: "/srv/My/DB.pm", line: 7)
    return failure
  }

  static let notices: [Notice] =
    [
      .hello(pid: 4711), .baseReady(loaded: events), .baseReady(loaded: []), .forked(.candidate, token: 1),
      .forked(.checkpoint, token: 2), .forked(.worker, token: 3),
      .forkFailed(token: 4, message: "Cannot allocate memory"), .dropCheckpoints(positions: [0, 7, .max]),
      .trace(events),
      .loaded(
        LoadSummary(
          microseconds: 5, sockets: [.init(file: "/srv/My/DB.pm", description: "127.0.0.1:5432")],
          databases: [.init(file: "/srv/My/Store.pm", path: "/srv/app.db")], timer: true)),
      .loaded(LoadSummary(microseconds: 0, sockets: [], timer: false)), .workerReady, .report(""),
      .report("no checkpoint here: a pipe is open"), .leaving("harakiri"),
      .startHook(.init(file: "/srv/My/DB.pm", line: .max)), .timeline(LoadTimeline(pid: 4711)),
      .timeline(
        LoadTimeline(
          pid: 4711,
          spans: [
            .init(.fork, start: .max, duration: 0), .init(.source, file: "/srv/My/App.pm", start: 7, duration: .max),
          ])),
      .forked(.census, token: 8), .census(differences: 3, first: "hash %Foo::bar{x}"),
      .objections([
        .init(key: "A.pm", reason: .changed("%ENV")), .init(key: "B.pm", reason: .early("A.pm")),
        .init(key: "C.pm", reason: .unasked), .init(key: "G.pm", reason: .company),
        .init(key: "D.pm", reason: .elsewhere("/srv/lib/D.pm")),
        .init(key: "E.pm", reason: .elsewhere(nil)), .init(key: "F.pm", reason: .failed("died")),
      ]),
    ] + failures.map { .failed($0) } + failures.prefix(1).map { .failed(hooked($0)) }
}
