import ReloadModel

/// A file that perl has loaded, as far as patches need to know it.
struct SourceRecord {
  /// The key in `%INC`: `My/App.pm`, `./config.pl`, `/srv/app/app.psgi`.
  let key: String
  /// As perl names it, in `%INC` and in the subs that it compiled: `lib/My/App.pm`.
  var name = ""
  /// The absolute path.
  var path = ""
  /// The package in which it was asked for: a file without `package` is compiled into that. Nil if that is not known.
  var package: String?
  /// Whether `do` loaded it rather than `require`.
  var isDo = false
  /// Whether it is a script that its host compiles: no file that perl loads.
  var isScript = false
  /// Whether it is loaded now.
  var isLoaded = false
  /// Whether it was loaded before the interpreter was cloned.
  var isInherited = false
  /// Its content when it was loaded; nil for what is not watched.
  var fingerprint: Fingerprint?
  /// The subs that its load has imported into the package of its name.
  var imports: Set<String> = []

  /// The files that its load has asked for; nil if nobody saw that.
  var uses: Set<Int>?

  /// The package that its key stands for: `My::App`.
  var ownPackage: String? { ModulePatterns.module(key: key) }
}

/// A file that has changed on disk.
public struct PendingFile {
  /// The key in `%INC`.
  public var key: String
  /// The absolute path.
  public var path: String
  /// Whether its content was not tried before.
  public var isNew: Bool
  /// Whether it lies in one of perl's own library directories, and nobody has asked to watch it.
  public var isLibrary: Bool
  /// Whether somebody has asked for it.
  public var isAsked: Bool
}

/// The records of all files by number. Tells which of them have changed, and what they were when a patch began.
struct SourceRecords {
  private var records: [SourceRecord] = []
  /// The numbers of those that have changed since this was emptied.
  var changed: Set<Int> = []
  private var before: [Int: SourceRecord]?
  private var countBefore = 0

  var indices: Range<Int> { records.indices }
  var count: Int { records.count }

  mutating func append(_ record: SourceRecord) {
    changed.insert(records.count)
    records.append(record)
  }

  subscript(number: Int) -> SourceRecord {
    _read { yield records[number] }
    _modify {
      if before != nil, number < countBefore, before![number] == nil { before![number] = records[number] }
      changed.insert(number)
      yield &records[number]
    }
  }

  /// A patch begins.
  mutating func remember() {
    before = [:]
    countBefore = records.count
  }

  /// The patch is over; `restoring`: everything is to be as it was.
  mutating func forget(restoring: Bool) {
    let saved = before ?? [:]
    before = nil
    guard restoring else { return }
    for (number, record) in saved { self[number] = record }
    for number in countBefore..<records.count { self[number].isLoaded = false }
  }

  /// What was known of a file when the patch began; nil for one that was not known.
  func remembered(_ number: Int) -> SourceRecord? {
    number < countBefore ? before?[number] ?? records[number] : nil
  }
}
