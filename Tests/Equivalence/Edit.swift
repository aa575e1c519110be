/// How a file is saved: what editors and tools do.
public enum Saving: String, CaseIterable, Sendable {
  /// Truncated and written where it lies.
  case inPlace
  /// Truncated, and written in two parts.
  case inParts
  /// A new file beside it is renamed over it.
  case replaced
  /// Written elsewhere and moved here.
  case moved
  /// As vim does with a backup: the old file is moved away and goes in the end.
  case withBackup
  /// As Emacs does: a dangling link as a lock, the old file kept under another name.
  case withLock
}

/// One thing that an edit does. Paths are relative to the application. Each can be done whatever is there, so that an edit
/// before it can be left out.
public enum Deed: Equatable, Sendable {
  /// Gives a file this text.
  case save(String, text: String, Saving)
  /// Removes a file, if it is there.
  case remove(String)
  /// Renames a file or a directory, if it is there.
  case rename(String, to: String)
  /// Sets a file's times to now, if it is there.
  case touch(String)

  /// The paths it is about.
  public var paths: [String] {
    switch self {
    case .save(let path, _, _), .remove(let path), .touch(let path): [path]
    case .rename(let path, let other): [path, other]
    }
  }
}

/// What somebody does between two looks at the application.
public struct Edit: Equatable, Sendable {
  /// In a word, for the report.
  public var name: String
  /// What is done first.
  public var deeds: [Deed]
  /// What is done while a candidate with the first part loads, after so many microseconds; empty for most edits.
  public var then: [Deed] = []
  /// See `then`.
  public var pause = 0
  /// How many requests load something lazily afterwards.
  public var lazyRequests = 0
  /// Whether the server is left alone before, until it has found out what it can load first.
  public var rests = false
}

/// An application and what happens to it.
public struct Story: Equatable, Sendable {
  /// The seed it came from.
  public var seed: UInt64
  /// The application's first files, by path.
  public var files: [String: String]
  /// The edits, in order.
  public var edits: [Edit]
  /// What is not watched, and not edited: libraries, by their keys of `%INC`.
  public var libraries: [String: String]
  /// Whether it is played in production mode.
  public var isProduction: Bool
  /// Whether it is played with `--preload`.
  public var preloads: Bool { !libraries.isEmpty }

  /// The story of a seed. That of more edits begins with that of fewer.
  public init(seed: UInt64, edits count: Int) {
    var writer = StoryWriter(seed: seed)
    self.seed = seed
    isProduction = seed % 5 == 4
    files = writer.world.files()
    libraries = Dictionary(uniqueKeysWithValues: writer.world.libraries.map { ($0.key, $0.text()) })
    edits = (0..<count).map { _ in writer.next() }
  }
}
