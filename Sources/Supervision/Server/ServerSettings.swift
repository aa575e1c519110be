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
  /// `--hold`: the seconds a request may wait for code that is being loaded.
  public var hold = 30
  /// `--load-timeout`: the seconds a load may take.
  public var loadTimeout = 60

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
    workers = 1
    hold = 86400
    loadTimeout = 86400
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
