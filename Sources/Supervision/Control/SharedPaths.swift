import ReloadModel

/// Paths that many reloads name. Each load tells them anew; a hundred lists of a thousand copies would be most of what
/// `nacre` takes.
struct SharedPaths {
  private var known: Set<String> = []

  /// The same paths, with the text that was kept before.
  mutating func shared(_ paths: [String]) -> [String] { paths.map { shared($0) } }

  /// The same events, with the texts that were kept before: the traces of two generations name the same files.
  mutating func shared(_ events: [TraceEvent]) -> [TraceEvent] { events.map { shared($0) } }

  private mutating func shared(_ path: String) -> String { known.insert(path).memberAfterInsert }

  private mutating func shared(_ event: TraceEvent) -> TraceEvent {
    switch event {
    case .began(let file, let key, let requester, let line, let fingerprint):
      .began(
        file: shared(file), key: shared(key), requester: shared(requester), line: line, fingerprint: fingerprint)
    case .ended(let file, let loaded, let time): .ended(file: shared(file), loaded: loaded, microseconds: time)
    case .missing(let path): .missing(path: shared(path))
    case .read(let file, let fingerprint): .read(file: shared(file), fingerprint: fingerprint)
    case .listed(let directory, let hash): .listed(directory: shared(directory), hash: hash)
    case .tested(let path, let kind): .tested(path: shared(path), kind: kind)
    case .measured(let path, let fingerprint): .measured(path: shared(path), fingerprint: fingerprint)
    case .written(let path): .written(path: shared(path))
    case .library(let file, let key, let time): .library(file: shared(file), key: shared(key), microseconds: time)
    case .entered(let file, let key, let surroundings, let company):
      .entered(file: shared(file), key: shared(key), surroundings: surroundings, company: company)
    case .used(let key, let requester, let line): .used(key: shared(key), requester: shared(requester), line: line)
    }
  }

  /// Forgets all that these do not name.
  mutating func keep(only lists: some Sequence<[String]>) { known = Set(lists.joined()) }
}
