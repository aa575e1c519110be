extension ControlDocument {
  /// The answer to `POST /v1/restart`.
  public struct Restarted: Codable, Equatable, Sendable {
    /// `restarted` or `failed`.
    public var outcome: String
    /// The process that serves now.
    public var pid: Int32
    /// Why the other one cannot, for people; more than one line where perl has said more.
    public var error: String?
  }
}
