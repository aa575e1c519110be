/// Finds the files that an application writes itself and that would have it reloaded for ever: a cache that matches
/// the patterns for templates and configuration, a session store in `templates`, a state file that the load reads.
///
/// A *round* is a reload that such a file has caused. It counts if a worker told that it had written the file, or,
/// for writers whom nobody sees (XS code, child processes), if the file was written again within a moment after the
/// reload that it caused. A person who saves a file ten times in a minute does neither, and a round that does not
/// count begins the count anew. Times are nanoseconds of any one steady clock.
public struct SelfWriting: Sendable {
  /// The bounds.
  public struct Limits: Equatable, Sendable {
    /// The rounds in a row for a file that a worker writes and that no load has read.
    public var witnessed = 3
    /// The rounds in a row for a file that the load has read: it may be a settings page, which is to work.
    public var readAtLoad = 5
    /// The rounds in a row for a file whose writer nobody has seen.
    public var unseen = 5
    /// How soon after a reload a write of an unseen writer is taken for a consequence of it.
    public var moment: UInt64 = 500_000_000
    /// After so long a pause a file that the load has read begins anew.
    public var pause: UInt64 = 10_000_000_000

    /// The default bounds.
    public init() {}
  }

  /// What is known of a file or a directory that has caused a reload.
  private struct Record {
    var witnessed = 0
    var unseen = 0
    var lastReload: UInt64 = 0
  }

  /// What comes of a reload.
  public struct Verdict: Equatable, Sendable {
    /// A file whose changes start no reload any more.
    public var file: String
    /// The rounds in a row.
    public var rounds: Int
    /// The directory in which nothing that the application itself writes starts one any more.
    public var directory: String?

    /// Makes a verdict.
    public init(file: String, rounds: Int, directory: String?) {
      (self.file, self.rounds, self.directory) = (file, rounds, directory)
    }
  }

  private let limits: Limits
  /// By file, and by directory, with a slash at its end, for files whose names are always new ones.
  private var records: [String: Record] = [:]
  /// When workers told of having written a file.
  private var witnessed: [String: UInt64] = [:]
  private var lastReload: UInt64 = 0
  private var directories: Set<String> = []
  /// The files whose changes start no reload.
  public private(set) var stopped: Set<String> = []

  /// Nothing is known.
  public init(limits: Limits = Limits()) { self.limits = limits }

  /// A worker has opened this file for writing, made, renamed or removed it.
  public mutating func wrote(_ path: String, isReadAtLoad: Bool, at now: UInt64) {
    // Session stores have a file a visitor.
    if witnessed.count > 10_000 { witnessed.removeAll() }
    let directory = Self.directory(of: path)
    witnessed[path] = now
    // For a load that has listed it.
    witnessed[directory] = now
    if !isReadAtLoad, directories.contains(directory) { stop(path) }
  }

  /// A reload is done.
  ///
  /// - Parameters:
  ///   - files: Those that caused it and that may be stopped: no source files of the load.
  ///   - readAtLoad: Those of them that the load has read.
  ///   - touchedAt: When the first of them was seen to change.
  ///   - now: When the new generation took over.
  ///   - delay: How late changes may be seen.
  /// - Returns: The files that cause no further one.
  public mutating func reloaded(
    by files: [String], readAtLoad: Set<String>, touchedAt: UInt64, at now: UInt64, delay: UInt64 = 0
  ) -> [Verdict] {
    // Touched before it was seen.
    let touchedAt = max(touchedAt - min(delay, touchedAt), 1)
    defer { lastReload = now }
    if records.count > 10_000 { records.removeAll() }
    var verdicts: [Verdict] = []
    var counted: Set<String> = []
    for file in files {
      let isWitnessed = witnessed[file].map { $0 + 1_000_000_000 > lastReload } ?? false
      let isRead = readAtLoad.contains(file)
      let rounds = count(file, isWitnessed, isRead, touchedAt, now)
      let directory = Self.directory(of: file)
      let inDirectory =
        !isRead && counted.insert(directory).inserted ? count(directory + "/", isWitnessed, false, 0, now) : 0
      if inDirectory >= limits.witnessed, directories.insert(directory).inserted {
        for path in witnessed.keys where Self.directory(of: path) == directory { stop(path) }
        verdicts.append(Verdict(file: file, rounds: inDirectory, directory: directory))
      } else if rounds > 0 {
        verdicts.append(Verdict(file: file, rounds: rounds, directory: nil))
      }
    }
    for verdict in verdicts { stop(verdict.file) }
    return verdicts
  }

  /// Counts a round, and returns the number of rounds if that is enough. For a directory `touchedAt` is 0, and the
  /// number is that of witnessed rounds in any case.
  private mutating func count(
    _ path: String, _ isWitnessed: Bool, _ isRead: Bool, _ touchedAt: UInt64, _ now: UInt64
  ) -> Int {
    var record = records[path] ?? Record()
    let isSoon = record.lastReload > 0 && touchedAt < record.lastReload + limits.moment
    let isLate = isRead && now > record.lastReload + limits.pause
    record.witnessed = isWitnessed ? (isLate ? 1 : record.witnessed + 1) : 0
    record.unseen = isSoon ? record.unseen + 1 : 0
    record.lastReload = now
    records[path] = record
    if touchedAt == 0 { return record.witnessed }
    if record.witnessed >= (isRead ? limits.readAtLoad : limits.witnessed) { return record.witnessed }
    return record.unseen >= limits.unseen ? record.unseen : 0
  }

  private mutating func stop(_ path: String) {
    if stopped.count > 100_000 { stopped.removeAll() }
    stopped.insert(path)
    records[path] = nil
  }

  private static func directory(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }
}
