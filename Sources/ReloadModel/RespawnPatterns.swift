/// Which files that were not read at load matter all the same: templates and configuration that workers read while
/// they serve. A change of one means new workers from the same mold.
///
/// A pattern without a slash (`*.sql`, `share`) matches a file or directory of that name at any depth; one with a slash
/// (`share/sql`, `/srv/texts/**/*.md`) starts at the directory that it was given relative to. A pattern that matches a
/// directory matches everything below it.
public struct RespawnPatterns: Hashable, Sendable {
  /// The file name endings that are watched without being named.
  public static let defaultExtensions: Set<String> = [
    "tt", "tt2", "tx", "ep", "epl", "html", "htm", "mas", "mhtml", "mc", "tmpl", "tpl", "conf", "cfg", "ini", "yml",
    "yaml", "json", "toml", "xml", "properties",
  ]

  private let watched: [Pattern]
  private let ignored: [Pattern]
  /// The directories or files that the user's patterns begin with, absolute: `/srv/texts` for `/srv/texts/**/*.md`.
  /// They may lie outside the application's directory and may not exist.
  public let roots: [String]

  /// Makes the patterns.
  ///
  /// - Parameters:
  ///   - watch: What `--watch` names.
  ///   - ignore: What `--ignore` names; wins over everything.
  ///   - directory: The absolute directory that patterns with a slash start at.
  public init(watch: [String] = [], ignore: [String] = [], relativeTo directory: String = "/") {
    watched = watch.map { Pattern($0, relativeTo: directory) }
    ignored = ignore.map { Pattern($0, relativeTo: directory) }
    roots = watch.compactMap { Self.root(of: $0, relativeTo: directory) }
  }

  /// Whether a change of the file at this absolute path matters although the load did not read it.
  public func matches(_ path: String) -> Bool {
    let isDefault = Self.lowercaseExtension(of: path).map(Self.defaultExtensions.contains) ?? false
    guard isDefault || watched.contains(where: { $0.matches(path) }) else { return false }
    return !ignores(path)
  }

  /// Whether the user asked that this file or directory never trigger anything.
  public func ignores(_ path: String) -> Bool { ignored.contains { $0.matches(path) } }

  /// Whether `--watch` names this file or a directory above it.
  public func names(_ path: String) -> Bool { watched.contains { $0.matches(path) } }

  private static func lowercaseExtension(of path: String) -> String? {
    let end = path.utf8.suffix(12)
    guard let dot = end.lastIndex(of: UInt8(ascii: ".")) else { return nil }
    let letters = end[end.index(after: dot)...]
    guard !letters.contains(UInt8(ascii: "/")) else { return nil }
    return String(decoding: letters, as: UTF8.self).lowercased()
  }

  private static func root(of pattern: String, relativeTo directory: String) -> String? {
    let plain = pattern.split(separator: "/").prefix { GlobPattern.isPlain($0) }.filter { $0 != "." }
    if pattern.hasPrefix("/") { return tidy(plain.joined(separator: "/")) }
    return plain.isEmpty ? nil : tidy(directory + "/" + plain.joined(separator: "/"))
  }

  /// An absolute path or pattern without `.` and `..`.
  private static func tidy(_ path: String) -> String {
    var kept: [Substring] = []
    for component in path.split(separator: "/") where component != "." {
      if component == ".." { _ = kept.popLast() } else { kept.append(component) }
    }
    return "/" + kept.joined(separator: "/")
  }

  private struct Pattern: Hashable, Sendable {
    let glob: GlobPattern

    init(_ pattern: String, relativeTo directory: String) {
      let text = pattern.hasPrefix("./") ? String(pattern.dropFirst(2)) : pattern
      let hasSlash = text.dropLast(text.hasSuffix("/") ? 1 : 0).contains("/") || pattern.hasPrefix("./")
      if text.hasPrefix("/") {
        glob = GlobPattern(tidy(text))
      } else {
        glob = GlobPattern(hasSlash || text == "." || text == ".." ? tidy(directory + "/" + text) : "**/" + text)
      }
    }

    func matches(_ path: String) -> Bool { glob.matchesOrContains(path) }
  }
}
