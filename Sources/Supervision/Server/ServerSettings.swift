import Glibc
public import ProcessProtocol

/// What the command line asks of a server.
public struct ServerSettings {
  /// The perl that runs the application.
  public var perl: PerlInstallation
  /// `Nacre.so` for that perl.
  public var extensionLibrary: String
  /// The directory that holds `Nacre/Host.pm`.
  public var perlLibrary: String
  /// The application, its file absolute.
  public var application: RunSettings.Application
  /// What messages call it: `app.psgi`, `-e`.
  public var applicationName: String
  /// `-I`, as given.
  public var includeDirectories: [String] = []
  /// `-M`, as given.
  public var modules: [String] = []
  /// The value of `PLACK_ENV`.
  public var environment = "development"
  /// `-w`.
  public var workers = 5
  /// What leads to a reload.
  public var watching = WatchSettings()
  /// `--checkpoints`: the most checkpoints of one generation.
  public var checkpoints = 16
  /// `--preload`: whether files may be loaded before the application asks for them, in development.
  public var preloads = false
  /// `--hold`: the seconds a request may wait for code that is being loaded.
  public var hold = 30
  /// `--load-timeout`: the seconds a load may take.
  public var loadTimeout = 60
  /// `--path`: where the application is mounted; empty for the root.
  public var mountPath = ""
  /// `--access-log`, absolute; `-` for the standard output, empty for none.
  public var accessLog = ""
  /// `--access-log-format`.
  public var logFormat = RunSettings.Service.LogFormat.combined
  /// `--request-ids`.
  public var makesRequestIDs = false
  /// How long connections are waited for.
  public var connections = Connections()
  /// `--trusted-proxy`.
  public var trustedProxies = TrustedProxies.none
  /// `--proxy-protocol`.
  public var takesProxyProtocol = false
  /// What is taken from clients.
  public var limits = Limits()
  /// How requests, workers and the server end.
  public var life = Life()

  /// What is asked of connections.
  public struct Connections: Equatable, Sendable {
    /// `--disable-keepalive`: whether a connection may have more than one request.
    public var keepsAlive = true
    /// `--keepalive-timeout`: the seconds a connection may stay open without a request.
    public var idleTimeout = 60
    /// `--read-timeout`: the seconds a request head may take.
    public var headTimeout = 30
    /// `--http2-cleartext`: whether a connection may begin with HTTP/2 without TLS.
    public var takesHTTP2 = false
  }

  /// How much is taken from clients, and for how long they are waited for. Sizes are bytes, times seconds.
  public struct Limits: Equatable, Sendable {
    /// `--max-header-size`: the longest request head.
    public var head = 16 << 10
    /// `--max-body-size`: the longest request body; 0 for any length.
    public var body = 1 << 30
    /// `--body-timeout`: how long a client may send nothing of a body.
    public var bodyTimeout = 30
    /// `--send-timeout`: how long a client may take nothing of a response.
    public var sendTimeout = 60
    /// `--response-buffer`: how much of a response that is being made is kept for its client.
    public var responseBuffer = 1 << 30
    /// `--max-connections`; 0 for as many as there are descriptors for.
    public var connections = 0
    /// `--max-queue`: the most requests that wait for a worker.
    public var queue = 1024
  }

  /// How long things go on, and what tells others that they do.
  public struct Life {
    /// `--timeout`: the seconds a worker may take for a request; 0 for no bound.
    public var timeout = 0
    /// `--drain`: the seconds that requests in hand may go on when the server stops or their generation is replaced.
    public var drain = 30
    /// `--max-requests`: after about so many requests a worker leaves; 0 for never.
    public var maximumRequests = 0
    /// `--pid`.
    public var pidFile: PidFile?
    /// Who is told that the server is ready, reloads and stops.
    public var manager = ServiceManager(socket: nil)
    /// Whether another server still serves on the same sockets, so that connections are left to it until the
    /// application is ready.
    public var isBesideAnother = false
    /// The server that this one is to replace (`nacre restart`).
    public var predecessor: Predecessor?
  }

  /// How this program was started; nil if it cannot be started again.
  public var start: StartSurroundings?

  /// `--control`: where the control socket is.
  public var control = ControlPlace.Choice.automatic
  /// `--destruct`: whether a worker that leaves destroys its objects.
  public var destructs = false
  /// `-d`: whether perl runs its debugger.
  public private(set) var debugs = false

  /// Settings with the defaults of the command line.
  public init(
    perl: PerlInstallation, extensionLibrary: String, perlLibrary: String, application: RunSettings.Application,
    applicationName: String
  ) {
    self.perl = perl
    self.extensionLibrary = extensionLibrary
    self.perlLibrary = perlLibrary
    self.application = application
    self.applicationName = applicationName
  }

  /// Whether requests wait for fresh code, and a failure is answered with its report.
  public var isDevelopment: Bool { environment == "development" }

  /// For a session with perl's debugger: a person at its prompt takes any time, and can attend to one worker.
  public mutating func debug() {
    debugs = true
    preloads = false
    workers = 1
    hold = 86400
    loadTimeout = 86400
    life.timeout = 0
    // Whoever stands at a prompt while the file is saved goes on standing there.
    life.drain = 86400
  }

  /// The application's PSGI file, if there is one.
  var applicationFile: String? {
    switch application {
    case .file(let file): file
    case .code(_, let file): file
    }
  }

  /// Where request bodies and the rests of responses are spooled.
  static var spoolDirectory: String {
    if let directory = getenv("TMPDIR").map({ String(cString: $0) }), isDirectory(directory) { return directory }
    return "/tmp"
  }
}
