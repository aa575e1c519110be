/// Which changes lead to a reload (`--reload-modules`, `--reload-directories`, `--watch`, `--ignore`). A reload, once
/// it is made, takes everything that differs.
public struct ReloadTriggers: Equatable, Sendable {
  /// The modules; nil for all, and all other files.
  public var modules: ModulePatterns?
  /// The directories, absolute, by every path that they are known by; empty for all.
  public var directories: [String]
  /// What `--watch` and `--ignore` name.
  public var patterns: RespawnPatterns

  /// Makes the rule.
  public init(modules: ModulePatterns? = nil, directories: [String] = [], patterns: RespawnPatterns = .init()) {
    self.modules = modules?.takesAll == true ? nil : modules
    self.directories = directories
    self.patterns = patterns
  }

  /// Whether some changes lead to nothing although nobody asked to have those files ignored.
  public var isSelective: Bool { modules != nil || !directories.isEmpty }

  /// Whether a change at this path leads to a reload. `--ignore` wins; what `--watch` names counts always; the
  /// directories narrow the modules, as in Apache2::Reload.
  public func triggers(_ path: String, names: ModuleNames) -> Bool {
    if patterns.ignores(path) { return false }
    if !isSelective || patterns.names(path) { return true }
    if !directories.isEmpty, !directories.contains(where: { WatchRules.contains($0, path) }) { return false }
    guard let modules else { return true }
    return switch names.meaning(of: path) {
    case .module(let module): modules.matches(module)
    case .package(let package): modules.matchesSomething(below: package)
    case .other: false
    }
  }
}

/// What the paths of a load mean to perl: `/srv/lib/My/App.pm` is the module `My::App`.
public struct ModuleNames: Sendable {
  /// What a path is.
  public enum Meaning: Equatable, Sendable {
    case module(String)
    /// A directory that the load listed: that of the modules below this package, empty for a directory of `@INC`.
    case package(String)
    /// No module: a template, a configuration file, `app.psgi`.
    case other
  }

  private var modules: [String: String] = [:]
  private var listed: Set<String> = []
  /// The directories in which modules were found, and so those of `@INC` that matter.
  private var includes: Set<String> = []

  /// No load.
  public init() {}

  /// Takes more of a load in.
  public mutating func add(_ events: some Sequence<TraceEvent>) {
    for event in events {
      switch event {
      case .began(let file, let key, _, _, _), .library(let file, let key, _):
        guard let module = ModulePatterns.module(key: key) else { continue }
        modules[file] = module
        if file.hasSuffix("/" + key) { includes.insert(String(file.dropLast(key.count + 1))) }
      case .listed(let directory, _): listed.insert(directory)
      default: break
      }
    }
  }

  /// What a path is. One that was only looked for in `@INC` is known by the directory, or else by the longest ending
  /// that is a module's.
  public func meaning(of path: String) -> Meaning {
    if let module = modules[path] { return .module(module) }
    let isListed = listed.contains(path)
    guard isListed || path.hasSuffix(".pm") else { return .other }
    var directory = path
    while let slash = directory.lastIndex(of: "/") {
      directory = String(directory[..<slash])
      let rest = path.dropFirst(directory.count + 1)
      if isListed, includes.contains(path) { return .package("") }
      guard includes.contains(directory) else { continue }
      let name = rest.split(separator: "/").joined(separator: "::")
      return isListed ? .package(name) : .module(String(name.dropLast(3)))
    }
    if isListed { return .other }
    let known = modules.values.filter { path.hasSuffix("/" + $0.split(separator: ":").joined(separator: "/") + ".pm") }
    return known.max { $0.count < $1.count }.map(Meaning.module) ?? .other
  }
}
