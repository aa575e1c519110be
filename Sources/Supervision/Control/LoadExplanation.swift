import ReloadModel

/// What a change of one file would lead to, and why.
struct LoadExplanation: Equatable {
  /// What the running generation has to do with the file.
  enum Role: Equatable {
    /// perl loaded it as source.
    case loaded
    /// The load read, listed, tested, measured or looked for it: which of these, as the end of "the load ...".
    case met(String)
    /// Workers loaded or read it while they served.
    case lazily
    /// A template or configuration file, or named by `--watch`.
    case pattern
    /// One of perl's own library, or of another directory that is not watched.
    case library
    /// Nothing.
    case unknown
  }

  /// A place in a source file at which another one is asked for.
  struct Step: Equatable {
    var file: String
    var line: UInt32
  }

  var file: String
  var role: Role
  /// The position of the first event about the file.
  var position: Int?
  /// The ways on which it is used, the one that led to its load first; each from the application to the file that
  /// asks for it.
  var chains: [[Step]] = []

  /// Looks a file up.
  ///
  /// - Parameters:
  ///   - name: An absolute path, a module (`My::App`) or a key of `%INC` (`My/App.pm`).
  ///   - generation: The running generation.
  ///   - isPattern: Whether a path calls for new workers when it changes, though nothing has loaded it.
  init(of name: String, in generation: Generation, isPattern: (String) -> Bool) {
    let key = name.hasPrefix("/") ? nil : name.contains("::") || !name.contains(".") ? Self.key(of: name) : name
    let events = generation.trace.events
    file = name
    role = .unknown
    if let index = events.firstIndex(where: { $0.concerns(name, key) }) {
      file = events[index].path
      let path = file
      let isSource = events.contains { if case .began(path, _, _, _, _) = $0 { true } else { false } }
      role = isSource ? .loaded : events[index].role
      // What stands in a library directory is in the trace for its load time only.
      if role != .library { position = index }
      if isSource { chains = Self.chains(to: path, in: events) }
    } else if let event = generation.lazily.first(where: { $0.concerns(name, key) }) {
      file = event.path
      role = .lazily
    } else if key == nil, isPattern(name) {
      role = .pattern
    }
  }

  /// `My/App.pm` for `My::App`.
  static func key(of module: String) -> String {
    module.split(separator: "::", omittingEmptySubsequences: false).joined(separator: "/") + ".pm"
  }

  private static func chains(to file: String, in events: EventList) -> [[Step]] {
    var chains: [[Step]] = []
    var open: [Step] = []
    var key: String?
    func note(_ requester: String, _ line: UInt32) {
      var chain = open
      // Code that a file defines may run while another one loads: `sub import { require ... }`.
      if chain.last?.file == requester { chain.removeLast() }
      // The application itself, and the modules of -M, are asked for by Nacre.
      if !open.isEmpty { chain.append(Step(file: requester, line: line)) }
      if !chains.contains(where: { $0.last == chain.last }) { chains.append(chain) }
    }
    for event in events {
      switch event {
      case .began(let began, let itsKey, let requester, let line, _):
        if began == file {
          key = itsKey
          note(requester, line)
        }
        if let last = open.indices.last { open[last].line = line }
        open.append(Step(file: began, line: 0))
      case .ended(let ended, _, _):
        if let index = open.lastIndex(where: { $0.file == ended }) { open.removeSubrange(index...) }
      case .used(key, let requester, let line): note(requester, line)
      default: break
      }
    }
    return chains.filter { !$0.isEmpty }
  }
}

extension TraceEvent {
  fileprivate func concerns(_ path: String, _ wanted: String?) -> Bool {
    switch self {
    case .began(let file, let key, _, _, _), .library(let file, let key, _): wanted.map { $0 == key } ?? (file == path)
    case .ended, .used, .written, .entered: false
    default: self.path == path
    }
  }

  fileprivate var role: LoadExplanation.Role {
    switch self {
    case .began, .ended, .used: .loaded
    case .library, .entered: .library
    case .missing: .met("looked for it, and it was missing")
    case .read: .met("read it")
    case .listed: .met("listed it")
    case .tested: .met("tested whether it is there")
    case .measured: .met("asked for its size or time")
    case .written: .met("wrote it")
    }
  }
}
