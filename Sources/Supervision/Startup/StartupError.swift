/// Why the server cannot start: one sentence, and one suggestion where it helps.
public struct StartupError: Error, Equatable, CustomStringConvertible {
  /// What to tell.
  public var description: String
  /// Whether the command line is at fault (exit code 2) and not its surroundings (1).
  public var isUsage: Bool

  /// Makes an error.
  public init(_ description: String, isUsage: Bool = false) {
    self.description = description
    self.isUsage = isUsage
  }
}
