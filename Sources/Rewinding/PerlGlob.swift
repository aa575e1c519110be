import Glibc

/// What Perl's `glob` reads.
enum PerlGlob {
  private static let wildcards = Set("*?[{".utf8)

  /// The directories that a pattern makes `glob` list: for `conf.d/*/x*.conf` the directory `conf.d` and each of its
  /// sub-directories. Patterns are separated by white space, as in perl's own `glob`; quotes keep it together.
  static func listedDirectories(_ patterns: String) -> [String] {
    words(patterns).flatMap { pattern -> [String] in
      let parts = pattern.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
      return parts.indices.filter { parts[$0].utf8.contains(where: wildcards.contains) }.flatMap { index -> [String] in
        let parent = parts[..<index].joined(separator: "/")
        if parent.isEmpty { return [pattern.hasPrefix("/") ? "/" : "."] }
        return parent.utf8.contains(where: wildcards.contains) ? expand(parent) : [parent]
      }
    }
  }

  private static func expand(_ pattern: String) -> [String] {
    var result = glob_t()
    defer { globfree(&result) }
    guard glob(pattern, GLOB_BRACE | GLOB_TILDE, nil, &result) == 0 else { return [] }
    return (0..<Int(result.gl_pathc)).compactMap { result.gl_pathv[$0].map { String(cString: $0) } }
  }

  private static func words(_ text: String) -> [String] {
    var words: [String] = []
    var word = ""
    var quote: Character?
    for character in text {
      if let mark = quote {
        if character == mark { quote = nil } else { word.append(character) }
      } else if character == "\"" || character == "'" {
        quote = character
      } else if character.isWhitespace {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(character)
      }
    }
    return word.isEmpty ? words : words + [word]
  }
}
