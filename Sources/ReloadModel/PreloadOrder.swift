/// What a cold start loads before the application, so that a rewind need not load it again: first the files of
/// libraries, in the order in which the application asks for them; then the application's own files that do not depend
/// on the files that are being edited.
///
/// Only an order that was verified is used (see ``GenerationMachine`` in Supervision), and each file is looked at again
/// when the application asks for it: if the application has changed anything by then that the file's load could see, the
/// load begins anew in its natural order.
public struct PreloadOrder: Hashable, Sendable {
  /// One `require`.
  public struct File: Hashable, Sendable {
    /// Its key of `%INC`.
    public var key: String
    /// The directory in which `@INC` has it.
    public var directory: String
    /// What it finds when the application asks for it.
    public var surroundings: Surroundings
    /// When the application asks for it first, in relation to the others.
    public var rank: UInt32
    /// Stands for the files that are loaded when the application asks for it; see ``PreloadAsks/company``.
    public var company: UInt64

    /// Makes an entry.
    public init(key: String, directory: String, surroundings: Surroundings, rank: UInt32, company: UInt64) {
      self.key = key
      self.directory = directory
      self.surroundings = surroundings
      self.rank = rank
      self.company = company
    }

    /// The file, absolute.
    public var file: String { directory + "/" + key }
  }

  /// In the order of loading.
  public var files: [File]

  /// An order; without files, the natural one.
  public init(files: [File] = []) { self.files = files }

  /// Whether nothing is preloaded.
  public var isNatural: Bool { files.isEmpty }

  /// What an application sets up for the files that it loads.
  public struct Surroundings: Hashable, Sendable {
    /// `@INC`; nil if it holds hooks.
    public var includes: [String]?
    /// What differs in `%ENV` from the start of the load: `["APP_HOME": "/srv/app"]`, nil for a name that is gone.
    public var environment: [String: String?]

    /// Makes a description.
    public init(includes: [String]?, environment: [String: String?] = [:]) {
      self.includes = includes
      self.environment = environment
    }
  }
}

extension PreloadOrder {
  /// Vendor first: the libraries' files that a load in natural order has brought in.
  ///
  /// Left out are files that did not load, that were found in an `@INC` with hooks, that loaded a watched file,
  /// those that were loaded twice, and what is no `.pm`.
  ///
  /// - Parameters:
  ///   - trace: The load.
  ///   - unfit: Keys that have shown that they cannot be loaded before the application.
  public init(vendorOf trace: LoadTrace, without unfit: Set<String> = []) {
    let asked = trace.asked()
    files = asked.filter { $0.isLibrary && $0.isFit && !unfit.contains($0.key) }.map(\.entry)
  }

  /// Vendor first, hot files last: in addition the application's own files that do not depend on `hot`.
  ///
  /// - Parameters:
  ///   - hot: Files that are being edited.
  ///   - vendor: The vendor-first order of the same load.
  ///   - trace: A load in natural order or in that of `vendor`.
  ///   - unfit: As in ``init(vendorOf:without:)``.
  public init(
    placingLast hot: Set<String>, after vendor: PreloadOrder, of trace: LoadTrace, without unfit: Set<String> = []
  ) {
    let kept = trace.dependents(of: hot)
    let asked = trace.asked()
    let latest = Dictionary(asked.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    files = vendor.files.compactMap { file in
      var file = file
      // What is not asked for any more is found out by the load.
      if let asked = latest[file.key] { (file.rank, file.company) = (asked.rank, asked.company) }
      return unfit.contains(file.key) ? nil : file
    }
    let known = Set(files.map(\.key))
    files += asked.filter {
      !$0.isLibrary && $0.isFit && !kept.contains($0.file) && !unfit.contains($0.key) && !known.contains($0.key)
    }.map(\.entry)
  }
}

/// A file that the application has asked for by `require`.
private struct AskedFile {
  var file: String
  var key: String
  var surroundings: PreloadOrder.Surroundings
  var rank: UInt32
  var company: UInt64
  var isLibrary = true
  var hasLoaded = false
  /// Whether a watched file was loaded in it, for a library's.
  var holdsWatched = false
  var isRepeated = false

  /// (A file of subs without a package, `util.pl`, is compiled into the package of whoever asks first.)
  var isFit: Bool {
    hasLoaded && !holdsWatched && !isRepeated && surroundings.includes != nil && file.hasSuffix("/" + key)
      && key.hasSuffix(".pm")
  }

  var entry: PreloadOrder.File {
    PreloadOrder.File(
      key: key, directory: String(file.dropLast(key.count + 1)), surroundings: surroundings, rank: rank,
      company: company)
  }
}

extension LoadTrace {
  /// Every file that was asked for, in the order of the first time.
  fileprivate func asked() -> [AskedFile] {
    var all: [AskedFile] = []
    var indexes: [String: Int] = [:]
    var watched: [String: Int] = [:]
    /// The libraries' files that have begun and not ended.
    var open: [Int] = []
    var surroundings = PreloadOrder.Surroundings(includes: nil)
    for event in events {
      switch event {
      case .entered(let file, let key, let found, let company):
        surroundings = found ?? surroundings
        if let index = indexes[key] {
          all[index].isRepeated = true
          continue
        }
        indexes[key] = all.count
        open.append(all.count)
        all.append(
          AskedFile(file: file, key: key, surroundings: surroundings, rank: UInt32(all.count), company: company))
      case .began(let file, _, _, _, _):
        if let last = open.last, all[last].file == file {
          all[last].isLibrary = false
          watched[file] = last
          open.removeLast()
        } else if let index = watched[file] {
          all[index].isRepeated = true
        }
        for index in open { all[index].holdsWatched = true }
      case .ended(let file, true, _):
        if let index = watched[file] { all[index].hasLoaded = true }
      case .library(let file, _, _):
        guard let place = open.lastIndex(where: { all[$0].file == file }) else { continue }
        all[open[place]].hasLoaded = true
        open.removeSubrange(place...)
      default: break
      }
    }
    return all
  }

  /// These files and the watched files that use them, directly or by others.
  ///
  /// Who uses a file is whoever asked for it, and the watched file that was being loaded then: what libraries load for
  /// an application is the application's doing.
  public func dependents(of files: Set<String>) -> Set<String> {
    var users: [String: Set<String>] = [:]
    var paths: [String: String] = [:]
    var open: [String] = []
    var watched: Set<String> = []
    for event in events {
      switch event {
      case .began(let file, let key, let requester, _, _):
        paths[key] = file
        watched.insert(file)
        users[file, default: []].formUnion([requester] + open.suffix(1))
        open.append(file)
      case .ended(let file, _, _):
        if let index = open.lastIndex(of: file) { open.removeSubrange(index...) }
      case .used(let key, let requester, _):
        if let file = paths[key] { users[file, default: []].formUnion([requester] + open.suffix(1)) }
      default: break
      }
    }
    var found = files
    var waiting = Array(files)
    while let file = waiting.popLast() {
      for user in users[file] ?? [] where watched.contains(user) && found.insert(user).inserted { waiting.append(user) }
    }
    return found
  }
}
