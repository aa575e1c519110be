// What hosts ask, and tell.
extension Patcher {
  /// The files that the load of a file has asked for; nil if nobody saw that.
  public static func uses(_ key: String) -> [String]? {
    guard let follower = current?.follower, let number = follower.numbers[key] else { return nil }
    return follower.files[number].uses.map { uses in uses.map { follower.files[$0].key } }
  }

  /// Code that no `require` loads (a registry script) is compiled from now on, until ``endScript()``.
  public static func beginScript(_ name: String) { current?.follower.beginScript(name) }

  /// See ``beginScript(_:)``.
  public static func endScript() { current?.follower.endScript() }

  /// Who patches in this process and in those that are forked from the one that has begun: process, generation, when it has
  /// patched last, in seconds since the epoch (0: never), and how that went.
  public static var roll: [[String]] {
    (current?.roll?.entries ?? []).map { ["\($0.process)", "\($0.generation)", "\($0.time)", "\($0.outcome)"] }
  }
}
