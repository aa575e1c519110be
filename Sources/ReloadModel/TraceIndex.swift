/// A load trace, arranged for the question: does the disk still look as it did when this was loaded?
///
/// Built once per generation. It remembers what it last saw of each file, so that a file that was only touched is
/// hashed once and not at every question.
public struct TraceIndex: Sendable {
  /// Where each path's expectation stands in `expectations`: `["/srv/lib/App.pm": 3]`.
  private var indexes: [String: Int] = [:]
  /// What the load saw of each path; one element a path, in the order of the first events.
  private var expectations: [Expectation] = []
  /// What the load itself wrote: `["/tmp/x8Fq2"]`. Only source files are looked at there.
  private var written: Set<String> = []
  /// Source files that the load had written before it loaded them: `["/tmp/cgi_compile_31/cgi_compile_x8Fq2.pm"]`.
  private var ownSources: Set<String> = []
  /// The number of the load's own events so far.
  private var position = 0

  /// An index of a load and of what workers loaded later.
  public init(_ trace: LoadTrace = LoadTrace(), lazily: [TraceEvent] = []) {
    indexes.reserveCapacity(trace.events.count)
    append(contentsOf: trace.events)
    append(lazily: lazily)
  }

  /// Adds what the load did next.
  public mutating func append(contentsOf events: some Sequence<TraceEvent>) {
    for event in events {
      add(event, at: position)
      position += 1
    }
  }

  /// Adds one event of the load, which stands at this position of its trace.
  public mutating func append(_ event: TraceEvent, at position: Int) { add(event, at: position) }

  /// Adds what workers of the generation loaded, read or looked for while they served.
  public mutating func append(lazily events: [TraceEvent]) {
    for event in events { add(event, at: nil) }
  }

  /// Every path on which the generation depends, once each.
  public var paths: some Collection<String> { indexes.keys }

  /// Whether the generation depends on this path.
  public func contains(_ path: String) -> Bool { indexes[path] != nil }

  /// Compares with the disk.
  ///
  /// - Parameters:
  ///   - paths: The paths to look at; those that the generation does not depend on are passed over. Nil means all.
  ///   - disk: Where to look.
  public mutating func changes(touching paths: Set<String>? = nil, on disk: some Disk) -> Changes {
    var result = Changes()
    func note(_ path: String, _ index: Int, in result: inout Changes) {
      guard let reason = expectations[index].difference(at: path, on: disk) else { return }
      let change = Changes.Change(path: path, reason: reason, position: expectations[index].position(of: reason))
      if change.position != nil { result.loaded.append(change) } else { result.lazily.append(change) }
    }
    if let paths {
      for path in paths { if let index = indexes[path] { note(path, index, in: &result) } }
    } else {
      for (path, index) in indexes { note(path, index, in: &result) }
    }
    result.loaded.sort { ($0.position ?? 0, $0.path) < ($1.position ?? 0, $1.path) }
    result.lazily.sort { $0.path < $1.path }
    return result
  }

  private mutating func add(_ event: TraceEvent, at position: Int?) {
    if case .written(let path) = event {
      // Source that the load wrote, loaded and wrote again or removed was never anybody else's (CGI::Compile).
      written.insert(path)
      if let index = indexes[path], !expectations[index].isSource || ownSources.contains(path) { indexes[path] = nil }
      return
    }
    if event.isBeginning, written.contains(event.path), indexes[event.path] == nil { ownSources.insert(event.path) }
    if !event.isBeginning, written.contains(event.path) { return }
    guard let seen = Expectation(event, position: position), !WatchRules.isOfKernel(event.path) else { return }
    if let index = indexes[event.path] {
      expectations[index].merge(seen)
    } else {
      indexes[event.path] = expectations.count
      expectations.append(seen)
    }
  }
}

extension TraceEvent {
  fileprivate var isBeginning: Bool { if case .began = self { true } else { false } }
}

/// What a load saw of one path, all events of that path taken together.
private struct Expectation: Sendable {
  /// The first of the load's own events about the path; nil if only workers looked at it.
  var position: Int?
  /// As `position`, of the first that depended on the content, or on the names in a directory: what only tested a path
  /// does not mind what is in it.
  var contentPosition: Int?
  var listingPosition: Int?
  /// The content it read, with the status that was last seen to go with that content.
  var content: Fingerprint?
  /// The modification time that the load asked for.
  var modified: Int64?
  /// What a test found there.
  var kind: PathKind?
  /// The hash of the names it held.
  var listing: UInt64?
  /// Whether it was looked for and missing.
  var isMissing = false
  /// Whether two events contradict each other.
  var isUnstable = false
  /// Whether it was loaded as a source file.
  var isSource = false

  /// Nil for an event that says nothing about the disk.
  init?(_ event: TraceEvent, position: Int?) {
    self.position = position
    isSource = event.isBeginning
    switch event {
    case .began(_, _, _, _, let fingerprint), .read(_, let fingerprint): content = fingerprint
    case .measured(_, let fingerprint):
      content = fingerprint
      modified = fingerprint.modified
    case .missing: isMissing = true
    case .listed(_, let hash): listing = hash
    case .tested(_, let kind): self.kind = kind
    case .ended, .library, .written, .used, .entered: return nil
    }
    contentPosition = content == nil ? nil : position
    listingPosition = listing == nil ? nil : position
  }

  /// Adds a later event about the same path.
  mutating func merge(_ later: Expectation) {
    position = position ?? later.position
    if content == nil { contentPosition = later.contentPosition }
    if listing == nil { listingPosition = later.listingPosition }
    isUnstable = isUnstable || later.isUnstable || contradicts(later)
    content = later.content ?? content
    modified = later.modified ?? modified
    kind = later.kind ?? kind
    listing = later.listing ?? listing
    isMissing = isMissing || later.isMissing
    isSource = isSource || later.isSource
  }

  /// The position of the first event that would have gone otherwise.
  func position(of reason: Changes.Reason) -> Int? {
    switch reason {
    case .modified, .retimed: contentPosition
    case .relisted: listingPosition
    case .gone, .unreadable, .appeared, .kind, .unstable: position
    }
  }

  /// Whether something stood at the path; nil if no event tells.
  private var stoodThere: Bool? {
    if isMissing { return false }
    if content != nil || listing != nil { return true }
    return kind.map { $0 != .missing }
  }

  private func contradicts(_ other: Expectation) -> Bool {
    if let content, let other = other.content, !content.sameContent(as: other) { return true }
    if let modified, let other = other.modified, modified != other { return true }
    if let kind, let other = other.kind, kind != other { return true }
    if let listing, let other = other.listing, listing != other { return true }
    if let stoodThere, let other = other.stoodThere, stoodThere != other { return true }
    return false
  }

  /// How the path differs now; nil if it does not.
  mutating func difference(at path: String, on disk: some Disk) -> Changes.Reason? {
    if isUnstable { return .unstable }
    if let content {
      switch disk.fingerprint(of: path, previous: content) {
      case .missing: return .gone
      // perl was not allowed to read it either.
      case .unreadable: if content != Fingerprint.none { return .unreadable }
      case .present(let now):
        guard now.sameContent(as: content) else { return .modified }
        if let modified, modified != now.modified { return .retimed }
        self.content = now
      }
    }
    if let listing {
      guard let now = disk.listingHash(of: path, countingLocks: false) else {
        return disk.kind(of: path) == .missing ? .gone : .unreadable
      }
      // Or the load has seen a lock there, and that still stands.
      if now != listing, disk.listingHash(of: path, countingLocks: true) != listing { return .relisted }
    }
    if let kind, let reason = difference(from: kind, to: disk.kind(of: path)) { return reason }
    if isMissing, isReadable(path, on: disk) { return .appeared }
    return nil
  }

  private func difference(from then: PathKind, to now: PathKind) -> Changes.Reason? {
    if now == then { return nil }
    return then == .missing ? .appeared : now == .missing ? .gone : .kind
  }

  /// perl passes over a file that it may not read, or dies: either way the load has not seen it.
  private func isReadable(_ path: String, on disk: some Disk) -> Bool {
    switch disk.kind(of: path) {
    case .missing: false
    case .file: disk.fingerprint(of: path, previous: nil).fingerprint != nil
    case .directory, .other: true
    }
  }
}
