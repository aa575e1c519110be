/// What on the disk differs from what a generation's load saw. Empty: the generation is up to date.
public struct Changes: Equatable, Sendable {
  /// How a path differs.
  public enum Reason: UInt8, Hashable, Sendable {
    /// Its content is another.
    case modified
    /// Its content is the same, its time is not, and the load asked for the time.
    case retimed
    /// It was there and is not any more.
    case gone
    /// It is there but cannot be read.
    case unreadable
    /// It was missing and is there now.
    case appeared
    /// A directory holds other names.
    case relisted
    /// A test such as `-d` would find something else.
    case kind
    /// The load itself saw it in two states: it changed while the code was loading.
    case unstable
  }

  /// One path that differs.
  public struct Change: Equatable, Sendable {
    /// The path as the trace names it.
    public var path: String
    /// How it differs.
    public var reason: Reason
    /// The position of the event that first depended on the path; nil if only workers did, lazily.
    public var position: Int?

    /// Makes a change.
    public init(path: String, reason: Reason, position: Int?) {
      self.path = path
      self.reason = reason
      self.position = position
    }
  }

  /// What the load itself depended on, by position.
  public var loaded: [Change]
  /// What only workers depended on, lazily: new workers from the same mold suffice for these, by path.
  public var lazily: [Change]

  /// Makes a result.
  public init(loaded: [Change] = [], lazily: [Change] = []) {
    self.loaded = loaded
    self.lazily = lazily
  }

  /// Whether nothing differs.
  public var isEmpty: Bool { loaded.isEmpty && lazily.isEmpty }
  /// The position to rewind before; nil if the load itself is not affected.
  public var firstPosition: Int? { loaded.first?.position }
  /// Everything that differs: the load's by position, then the lazy ones.
  public var all: [Change] { loaded + lazily }
}

extension Changes.Reason {
  /// What happened, as the end of a sentence that begins with the path.
  public var sentence: String {
    switch self {
    case .modified: "was changed"
    case .retimed: "was touched"
    case .gone: "is gone"
    case .unreadable: "cannot be read"
    case .appeared: "has appeared"
    case .relisted: "holds other files"
    case .kind: "became something else"
    case .unstable: "changed while it was loading"
    }
  }
}

/// The checkpoint to rewind to: the last one at which nothing that changed had been looked at.
///
/// - Parameters:
///   - checkpoints: The trace positions at which checkpoints stand, in any order.
///   - firstPosition: The first position of anything that changed.
/// - Returns: The checkpoint's position; nil means a cold start.
public func rewindPosition(checkpoints: some Sequence<Int>, before firstPosition: Int) -> Int? {
  checkpoints.lazy.filter { $0 <= firstPosition }.max()
}
