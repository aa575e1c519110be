/// What leads to a reload, and how changes are noticed.
public struct WatchSettings {
  /// `--reload`.
  public enum Trigger: Equatable, Sendable {
    /// Any change of what the application depends on.
    case changes
    /// A new modification time of this file, absolute (`--touch-file`).
    case touch(file: String)
    /// A person's demand alone.
    case manual
  }

  /// `--reload`.
  public var trigger = Trigger.changes
  /// `--watch`.
  public var watch: [String] = []
  /// `--ignore`.
  public var ignore: [String] = []
  /// `--reload-modules`: `["My::*", "Other"]`; empty for all.
  public var modules: [String] = []
  /// `--reload-directories`, absolute; empty for all.
  public var directories: [String] = []
  /// `--poll`: the seconds between two looks at everything; nil to have the kernel tell where it can.
  public var poll: Double?

  /// The defaults of the command line.
  public init() {}

  /// The nanoseconds between two looks at what is polled, whether that was asked for or not.
  var pollInterval: UInt64 { UInt64((poll ?? 1) * 1_000_000_000) }
}
