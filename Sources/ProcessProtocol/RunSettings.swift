public import ReloadModel

/// What every Perl process of a server must know; sent once to the base and inherited by fork.
public struct RunSettings: Equatable, Sendable {
  /// Where the application comes from.
  public enum Application: Equatable, Sendable {
    /// A PSGI file, absolute.
    case file(String)
    /// Perl code (`-e`), and optionally a PSGI file that it wraps.
    case code(String, file: String?)
  }
  /// The application.
  public var application: Application
  /// `-I`: directories put in front of `@INC`, as given.
  public var includeDirectories: [String]
  /// `-M`: modules used before the application, as given (`My::Setup`, `Foo=bar,baz`).
  public var modules: [String]
  /// The value of `PLACK_ENV`.
  public var environment: String
  /// Whether requests look for changes before they run (development mode).
  public var looksBeforeRequests: Bool
  /// Which loaded files are watched.
  public var rules: WatchRules
  /// Where request bodies past 1 MB and the rests of responses are spooled.
  public var spoolDirectory: String
  /// Whether a retiring worker also destroys its interpreter (`--destruct`).
  public var destructs: Bool
  /// What the command line asks of the application's surroundings.
  public var service = Service()

  /// How requests are served.
  public struct Service: Equatable, Sendable {
    /// Whether a connection may have more than one request (not with `--disable-keepalive`).
    public var keepsAlive = true
    /// `--max-requests`: after about so many requests a worker leaves; 0 for never.
    public var maximumRequests: UInt32 = 0
    /// `--path`: where the application is mounted; empty for the root.
    public var mountPath = ""
    /// `--access-log`: a file, absolute, that each request is a line of; `-` for the standard output, empty for none.
    public var accessLog = ""
    /// `--access-log-format`.
    public var logFormat = LogFormat.combined
    /// `--request-ids`: whether each request has an id.
    public var makesRequestIDs = false

    /// `--trusted-proxy`.
    public var trustedProxies = TrustedProxies.none
    /// `--max-header-size`: the longest request head in bytes.
    public var maximumHead: UInt32 = 16 << 10
    /// `--max-body-size`: the longest request body in bytes; 0 for any length.
    public var maximumBody: UInt64 = 0
    /// `--response-buffer`: how many unsent bytes a response that is still being made may leave behind.
    public var responseBuffer: UInt64 = 1 << 30

    /// What a line of the access log says.
    public enum LogFormat: UInt8, CaseIterable, Sendable {
      /// As Apache's format of this name.
      case combined
      /// The same, with the duration in microseconds and the request's id behind it.
      case timed
      /// A JSON object.
      case json
    }

    /// The defaults.
    public init() {}
  }

  /// Makes settings.
  public init(
    application: Application, includeDirectories: [String], modules: [String], environment: String,
    looksBeforeRequests: Bool, rules: WatchRules, spoolDirectory: String, destructs: Bool = false
  ) {
    self.application = application
    self.includeDirectories = includeDirectories
    self.modules = modules
    self.environment = environment
    self.looksBeforeRequests = looksBeforeRequests
    self.rules = rules
    self.spoolDirectory = spoolDirectory
    self.destructs = destructs
  }
}
