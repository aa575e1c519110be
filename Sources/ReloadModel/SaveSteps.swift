/// One thing that happened to a file's name, as far as it tells whether a save is complete.
public struct SaveStep: Hashable, Sendable {
  /// What happened.
  public enum Kind: Sendable {
    /// A new name with nothing behind it yet.
    case created
    /// The content or the permissions changed, and nobody has said that this is all.
    case written
    /// Whoever wrote has closed the file.
    case closed
    /// A file was renamed to this name: complete, mostly.
    case arrived
    /// The name was removed, or the file renamed to another.
    case gone
    /// Something that no single save does: a whole directory came or went.
    case upheaval
  }
  /// What happened.
  public var kind: Kind
  /// The file's path.
  public var path: String

  /// Makes a step.
  public init(_ kind: Kind, _ path: String) { (self.kind, self.path) = (kind, path) }
}

/// What happened to files in one burst of changes, taken together: is it the finished save of one file?
///
/// Editors save in three ways: they write the file over, they write another and rename it, or they rename the old file away
/// and write a new one. Each ends with a step after which the file is complete.
struct SaveProgress: Equatable, Sendable {
  /// Files that are complete.
  private var saved: Set<String> = []
  /// Files that are not, or were removed.
  private var unfinished: Set<String> = []
  /// New names in this burst: a temporary file that goes again, or one of many files of a checkout.
  private var new: Set<String> = []
  private var isUnclear = false

  /// Whether this is one file, and it is complete.
  var isOneSave: Bool { !isUnclear && saved.count == 1 && unfinished.isEmpty && new.isEmpty }

  /// Takes in what happened, in order; nil if that is not known.
  mutating func add(_ steps: [SaveStep]?) {
    guard let steps, !steps.isEmpty else { return isUnclear = true }
    for step in steps { add(step) }
  }

  private mutating func add(_ step: SaveStep) {
    let path = step.path
    switch step.kind {
    // The second step of an editor that has renamed the old file away.
    case .created: if !unfinished.contains(path) { new.insert(path) }
    case .written:
      // Permissions that are set after the rename say nothing about the content.
      if !new.contains(path), !saved.contains(path) { unfinished.insert(path) }
    case .closed: if !new.contains(path) { finish(path) }
    case .arrived:
      new.remove(path)
      finish(path)
    case .gone:
      saved.remove(path)
      if new.remove(path) == nil { unfinished.insert(path) }
    case .upheaval: isUnclear = true
    }
  }

  private mutating func finish(_ path: String) {
    unfinished.remove(path)
    saved.insert(path)
  }
}
