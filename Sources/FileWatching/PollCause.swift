import Glibc

/// Why a directory is polled.
public enum PollCause: Hashable, Sendable {
  /// A person asked for it (`--poll`).
  case asked
  /// The kernel gave no inotify descriptor (`fs.inotify.max_user_instances`).
  case noQueue
  /// No watches are left (`fs.inotify.max_user_watches`).
  case noWatches
  /// The file system sends no events for changes made elsewhere; its name.
  case fileSystem(String)
  /// The kernel refused for another reason, such as a directory that may not be read; the `errno`.
  case refused(Int32)
}

/// The directories that are polled for one cause.
public struct PolledDirectories: Equatable, Sendable {
  /// How many there are.
  public private(set) var count = 0
  /// One of them: the first by name.
  public private(set) var example = ""

  /// None.
  public init() {}

  mutating func add(_ path: String) {
    if count == 0 || path < example { example = path }
    count += 1
  }
}

/// What people are told about polling: each cause once while it lasts, and that it is over.
public struct PollNews {
  private var told: Set<PollCause> = []
  /// How often everything that is polled is looked at, for a person: `every second`.
  private let rhythm: String

  /// Nothing has been told.
  ///
  /// - Parameters:
  ///   - seconds: How often ``Watcher/poll()`` is called.
  ///   - looksBeforeRequests: Whether it is called before each request, too.
  public init(seconds: Double, looksBeforeRequests: Bool) {
    let number = seconds == seconds.rounded() ? "\(Int(seconds))" : "\(seconds)"
    rhythm =
      (seconds == 1 ? "every second" : "every \(number) seconds")
      + (looksBeforeRequests ? " and before each request" : "")
  }

  /// The sentences that are new, now that directories are polled for these causes. `limit` reads a kernel's limit.
  public mutating func sentences(
    for causes: [PollCause: PolledDirectories], limit: (String) -> Int? = Self.limit
  ) -> [String] {
    if causes.isEmpty {
      defer { told = [] }
      return told.isEmpty ? [] : ["the kernel tells of every change again, so nothing is polled any more"]
    }
    let new = causes.filter { !told.contains($0.key) }
    told.formUnion(new.keys)
    return new.map { sentence($0.key, $0.value, limit) }.sorted()
  }

  private func sentence(_ cause: PollCause, _ directories: PolledDirectories, _ limit: (String) -> Int?) -> String {
    let which =
      directories.count == 1 ? directories.example : "\(directories.count) directories (such as \(directories.example))"
    let looked = "\(which) \(directories.count == 1 ? "is" : "are") polled \(rhythm)"
    switch cause {
    case .asked: return "as --poll asks, files are polled \(rhythm)"
    case .noQueue:
      let setting = Self.lower("max_user_instances", "max_inotify_instances", limit)
      return "the kernel gives no inotify queue, so \(looked); raise \(setting)"
    case .noWatches:
      let setting = Self.lower("max_user_watches", "max_inotify_watches", limit)
      return "no inotify watches are left, so \(looked); raise \(setting)"
    case .fileSystem(let name):
      return "\(name) does not tell of changes that are made elsewhere, so \(looked); on a local disk nothing need be, "
        + "and --poll SECONDS sets another time"
    case .refused(let number):
      return "the kernel does not let nacre watch, so \(looked): \(String(cString: strerror(number)))"
    }
  }

  /// The setting that is to be raised, with its value: that of the system, or of the user namespace if that is lower.
  private static func lower(_ system: String, _ user: String, _ limit: (String) -> Int?) -> String {
    let (system, user) = ("fs.inotify.\(system)", "user.\(user)")
    guard let most = limit(system) else { return system }
    if let mine = limit(user), mine < most { return "\(user) (\(mine) now)" }
    return "\(system) (\(most) now)"
  }

  /// The value of a `sysctl(8)` name.
  public static func limit(_ name: String) -> Int? {
    guard let file = fopen("/proc/sys/" + String(name.map { $0 == "." ? "/" : $0 }), "re") else { return nil }
    defer { fclose(file) }
    var value = 0
    return withUnsafeMutablePointer(to: &value) { pointer in
      withVaList([pointer]) { vfscanf(file, "%ld", $0) } == 1 ? pointer.pointee : nil
    }
  }
}
