/// What stands at a path, as far as a test such as `-e`, `-f` or `-d` can tell.
public enum PathKind: UInt8, Hashable, Sendable {
  case missing, file, directory, other
}

/// One thing that a load did and that a change on disk may invalidate. All paths are absolute.
public enum TraceEvent: Hashable, Sendable {
  /// perl is about to read a source file. `key` is its `%INC` key (`My/App.pm`), `requester` the file whose code
  /// asked for it and `line` the line there. `fingerprint` was taken before perl opened it.
  case began(file: String, key: String, requester: String, line: UInt32, fingerprint: Fingerprint)
  /// The source file's code has run (`loaded`), or its load ended otherwise (`loaded` is false: it died inside an
  /// `eval`). `microseconds` is the time since `began`, nested loads included.
  case ended(file: String, loaded: Bool, microseconds: UInt64)
  /// A path that was looked for (in `@INC`, or by a failed `open`) and did not exist.
  case missing(path: String)
  /// A file that the load opened for reading.
  case read(file: String, fingerprint: Fingerprint)
  /// A directory that the load listed (`opendir`, `glob`); `hash` is the hash of its sorted names.
  case listed(directory: String, hash: UInt64)
  /// A path whose existence or kind was tested (`-e`, `-d`, `stat` of a directory ...).
  case tested(path: String, kind: PathKind)
  /// A path of which size or times were asked for (`-s`, `-M`, `stat`).
  case measured(path: String, fingerprint: Fingerprint)
  /// A path that the load itself made, wrote or removed: what else it saw there says nothing about a later start.
  case written(path: String)
  /// An unwatched source file was loaded (a CPAN or core module); kept for `why` and for the load times only.
  case library(file: String, key: String, microseconds: UInt64)

  /// `require` or `use` of a source file that was found in `@INC`, in code of the application: for a watched file just
  /// before ``began(file:key:requester:line:fingerprint:)``, and for a file of a library that no other library file has
  /// asked for. `surroundings` is what the load finds then, nil if it is as at the last such event, and `company` stands for
  /// all that had been loaded before. Kept to learn a ``PreloadOrder``.
  case entered(file: String, key: String, surroundings: PreloadOrder.Surroundings?, company: UInt64)

  /// A watched source file that had begun to load before was asked for again, in `requester` at `line`; kept for `why`
  /// only.
  case used(key: String, requester: String, line: UInt32)

  /// The path that a change of the disk would have to touch.
  public var path: String {
    switch self {
    case .began(let file, _, _, _, _), .ended(let file, _, _), .read(let file, _), .library(let file, _, _),
      .entered(let file, _, _, _):
      file
    case .missing(let path), .tested(let path, _), .measured(let path, _), .written(let path): path
    case .listed(let directory, _): directory
    case .used(_, let requester, _): requester
    }
  }
}

/// The ordered record of a load.
///
/// A position is a number of events: a checkpoint at position 12 stands after `events[11]` and before `events[12]`.
public struct LoadTrace: Equatable, Sendable {
  /// Every event in the order in which it happened.
  public private(set) var events: EventList

  /// A trace of these events.
  public init(_ events: some Sequence<TraceEvent> = []) { self.events = EventList(events) }

  /// Adds what happened next.
  public mutating func append(contentsOf more: some Sequence<TraceEvent>) { events.append(contentsOf: more) }

  /// What a checkpoint at `position` inherits.
  public func prefix(_ position: Int) -> LoadTrace {
    var trace = LoadTrace()
    trace.events = events.first(position)
    return trace
  }
}
