/// A list of modules as Apache2::Reload's `ReloadModules` and the first line of its touch file write it: names and
/// wildcards, separated by white space.
///
/// `X::*` is what lies below `X::` (in the seed it takes `XY.pm`, too); `My*` is a prefix; `*` alone is everything.
public struct ModulePatterns: Equatable, Sendable {
  private enum Pattern: Equatable, Sendable {
    case all
    case module(String)
    /// What begins with this and is longer: `My::` for `My::*`. The second says whether the prefix itself counts too.
    case prefix(String, inclusive: Bool)
  }

  private let patterns: [Pattern]
  /// The words that are neither names nor wildcards.
  public let unknown: [String]

  /// Reads lists.
  public init(_ lists: [String]) {
    var patterns: [Pattern] = []
    var unknown: [String] = []
    for word in lists.flatMap({ $0.split(whereSeparator: \.isWhitespace) }) {
      if let pattern = Self.pattern(word) { patterns.append(pattern) } else { unknown.append(String(word)) }
    }
    (self.patterns, self.unknown) = (patterns, unknown)
  }

  /// Whether no word was a name or a wildcard.
  public var isEmpty: Bool { patterns.isEmpty }
  /// Whether everything counts, even what is no module.
  public var takesAll: Bool { patterns.contains(.all) }

  /// Whether the module `My::App` counts.
  public func matches(_ module: String) -> Bool {
    patterns.contains { pattern in
      switch pattern {
      case .all: true
      case .module(let name): name == module
      case .prefix(let prefix, let inclusive): module.hasPrefix(prefix) && (inclusive || module != prefix)
      }
    }
  }

  /// Whether a module directly below the package `My::Plugin` could count; the empty name stands for `@INC` itself.
  public func matchesSomething(below package: String) -> Bool {
    let start = package.isEmpty ? "" : package + "::"
    return patterns.contains { pattern in
      switch pattern {
      case .all: true
      case .module(let name): name.hasPrefix(start) && !name.dropFirst(start.count).contains("::")
      case .prefix(let prefix, _):
        start.hasPrefix(prefix) || prefix.hasPrefix(start) && !prefix.dropFirst(start.count).contains("::")
      }
    }
  }

  /// The module of an `%INC` key: `My::App` for `My/App.pm`; nil for what is no module (`app.psgi`, `./config.pl`).
  public static func module(key: String) -> String? {
    guard key.hasSuffix(".pm"), !key.hasPrefix("/"), !key.hasPrefix(".") else { return nil }
    return key.dropLast(3).split(separator: "/").joined(separator: "::")
  }

  private static func pattern(_ word: Substring) -> Pattern? {
    if word == "*" { return .all }
    let isWild = word.last == "*"
    let name = isWild ? word.dropLast() : word
    // `My::` is no module, but `My::*` means what lies below it.
    let parts = (isWild && name.hasSuffix("::") ? name.dropLast(2) : name).split(
      separator: ":", omittingEmptySubsequences: false)
    // Every second part is what stands between two colons.
    let isName =
      parts.count % 2 == 1 && parts.indices.allSatisfy { $0 % 2 == 0 ? isIdentifier(parts[$0]) : parts[$0].isEmpty }
    guard isName else { return nil }
    return isWild ? .prefix(String(name), inclusive: !name.hasSuffix("::")) : .module(String(name))
  }

  private static func isIdentifier(_ text: Substring) -> Bool {
    !text.isEmpty && text.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" }
  }
}
