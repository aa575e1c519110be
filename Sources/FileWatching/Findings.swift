/// What file events touched since the last look. Events only say where to look: whether anything really differs, the
/// index (`TraceIndex.changes`) and ``Watcher/changedPatternFiles(among:)`` tell.
public struct Findings: Equatable, Sendable {
  /// Paths of the trace, as the trace names them.
  public var touched: Set<String> = []
  /// Files that match the respawn patterns, by absolute path.
  public var patternFiles: Set<String> = []
  /// Whether events were lost or whole trees moved: look at every path of the trace, and at all pattern files.
  public var everything = false
  /// Whether some of these files has been written to and not been closed yet.
  public var writersAtWork = false

  /// Nothing relevant happened.
  public static let nothing = Findings()

  /// Makes findings.
  public init(
    touched: Set<String> = [], patternFiles: Set<String> = [], everything: Bool = false, writersAtWork: Bool = false
  ) {
    self.touched = touched
    self.patternFiles = patternFiles
    self.everything = everything
    self.writersAtWork = writersAtWork
  }

  /// Whether nothing relevant happened.
  public var isNothing: Bool { touched.isEmpty && patternFiles.isEmpty && !everything }

  /// Adds later findings; whether writers are at work is as of these.
  public mutating func merge(_ later: Findings) {
    touched.formUnion(later.touched)
    patternFiles.formUnion(later.patternFiles)
    everything = everything || later.everything
    writersAtWork = later.writersAtWork
  }
}
