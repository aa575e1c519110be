/// What a patch did: the value that `Nacre->check` and `Nacre->last_reload` give.
public struct PatchReport: Equatable, Sendable {
  /// A file that cannot be patched.
  public struct Refusal: Equatable, Sendable {
    /// The `%INC` key.
    public var key: String
    /// Why, as a sentence without its full stop.
    public var reason: String

    /// Makes a refusal.
    public init(key: String, reason: String) { (self.key, self.reason) = (key, reason) }
  }

  /// The `%INC` keys of the files that were loaded again, in load order.
  public var reloaded: [String] = []
  /// Those of files that were loaded for the first time.
  public var loaded: [String] = []
  /// What speaks against the patch. If there is any, nothing was changed.
  public var refusals: [Refusal] = []
  /// Why new code could not be loaded. If there is any, everything was put back.
  public var failure: LoadFailure?
  /// The keys of changed files of which code is running: the next check tries again.
  public var waiting: [String] = []
  /// Constants that have another value now, by full name.
  public var constants: [String] = []
  /// Scripts of the host that hold something that has changed: they must be compiled again.
  public var scripts: [String] = []
  /// How long it took to find out what to do, to load, and to put everything in its place, in microseconds.
  public var examining: UInt64 = 0
  /// See ``examining``.
  public var loading: UInt64 = 0
  /// See ``examining``.
  public var settling: UInt64 = 0

  /// Nothing done.
  public init() {}

  /// Whether the new code runs.
  public var isDone: Bool { failure == nil && refusals.isEmpty && waiting.isEmpty }

  /// The fields for Perl, each a name and its values: separated by NUL, values by `\x01`.
  public var described: String {
    var fields: [(String, [String])] = [
      ("reloaded", reloaded), ("loaded", loaded), ("waiting", waiting),
      ("constants", constants), ("scripts", scripts),
      ("refused", refusals.flatMap { [$0.key, $0.reason] }),
      ("milliseconds", [examining, loading, settling].map { "\($0 / 1000).\(String($0 % 1000 + 1000).dropFirst())" }),
    ]
    if let failure { fields.append(("failed", [failure.file, "\(failure.line)", failure.message])) }
    return fields.map { ([$0.0] + $0.1).joined(separator: "\u{1}") }.joined(separator: "\0")
  }
}
