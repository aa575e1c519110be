/// A shell pattern for paths: `*` and `?` stay within a component, `**` as a whole component stands for any number of
/// components, `[a-z]`, `[!a-z]`, `{tt,html}`; a backslash takes the next character literally.
public struct GlobPattern: Hashable, Sendable {
  /// One way to spell the pattern without braces: its components as bytes.
  private let alternatives: [[[UInt8]]]

  /// Compiles a pattern.
  public init(_ pattern: String) {
    alternatives = Self.expandBraces(Array(pattern.utf8)).map { bytes in
      bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true).map(Array.init)
    }
  }

  /// Whether the pattern matches the whole path.
  public func matches(_ path: String) -> Bool { matchLength(path, wantsWhole: true) }

  /// Whether the pattern matches the path or a directory above it.
  public func matchesOrContains(_ path: String) -> Bool { matchLength(path, wantsWhole: false) }

  /// Whether the pattern is plain text.
  public static func isPlain(_ text: some StringProtocol) -> Bool {
    !text.utf8.contains { [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["), UInt8(ascii: "{")].contains($0) }
  }

  private func matchLength(_ path: String, wantsWhole: Bool) -> Bool {
    let components = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: true).map(Array.init)
    return alternatives.contains { Self.matches($0[...], components[...], wantsWhole: wantsWhole) }
  }

  private static func matches(
    _ pattern: ArraySlice<[UInt8]>, _ path: ArraySlice<[UInt8]>, wantsWhole: Bool
  ) -> Bool {
    guard let first = pattern.first else { return path.isEmpty || !wantsWhole }
    if first.elementsEqual("**".utf8) {
      return (path.startIndex...path.endIndex).contains {
        matches(pattern.dropFirst(), path[$0...], wantsWhole: wantsWhole)
      }
    }
    guard let component = path.first, matchesComponent(first[...], component[...]) else { return false }
    return matches(pattern.dropFirst(), path.dropFirst(), wantsWhole: wantsWhole)
  }

  /// Whether a pattern without slashes matches a name, by the usual backtracking to the last star only.
  private static func matchesComponent(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
    var (pattern, name) = (pattern, name)
    var resume: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
    while true {
      if pattern.first == UInt8(ascii: "*") {
        pattern = pattern.dropFirst()
        resume = (pattern, name)
      } else if pattern.isEmpty && name.isEmpty {
        return true
      } else if let (nextPattern, nextName) = step(pattern, name) {
        (pattern, name) = (nextPattern, nextName)
      } else if let (after, tried) = resume, !tried.isEmpty {
        name = dropCharacter(tried)
        pattern = after
        resume = (after, name)
      } else {
        return false
      }
    }
  }

  /// Matches one character; nil if it does not fit.
  private static func step(
    _ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>
  ) -> (ArraySlice<UInt8>, ArraySlice<UInt8>)? {
    guard let first = pattern.first, let byte = name.first else { return nil }
    switch first {
    case UInt8(ascii: "?"): return (pattern.dropFirst(), dropCharacter(name))
    case UInt8(ascii: "["):
      if let (matched, rest) = matchesSet(pattern.dropFirst(), byte) {
        return matched ? (rest, dropCharacter(name)) : nil
      }
    case UInt8(ascii: "\\"):
      if let literal = pattern.dropFirst().first {
        return literal == byte ? (pattern.dropFirst(2), name.dropFirst()) : nil
      }
    default: break
    }
    return first == byte ? (pattern.dropFirst(), name.dropFirst()) : nil
  }

  /// Reads a set after its opening bracket; nil if it has no end (the bracket is an ordinary character then).
  private static func matchesSet(_ set: ArraySlice<UInt8>, _ byte: UInt8) -> (Bool, ArraySlice<UInt8>)? {
    var rest = set
    let isNegated = rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^")
    if isNegated { rest = rest.dropFirst() }
    var matched = false
    var isFirst = true
    while let low = rest.first {
      if low == UInt8(ascii: "]") && !isFirst { return (matched != isNegated, rest.dropFirst()) }
      isFirst = false
      let end = rest.dropFirst(2).first
      if rest.dropFirst().first == UInt8(ascii: "-"), let high = end, high != UInt8(ascii: "]") {
        matched = matched || (low <= high && (low...high).contains(byte))
        rest = rest.dropFirst(3)
      } else {
        matched = matched || low == byte
        rest = rest.dropFirst()
      }
    }
    return nil
  }

  /// Drops one character of UTF-8: a first byte and those that continue it.
  private static func dropCharacter(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    text.dropFirst().drop { $0 & 0b1100_0000 == 0b1000_0000 }
  }

  /// `a{b,c}d` becomes `abd` and `acd`; braces may be nested. A brace without its partner is an ordinary character.
  private static func expandBraces(_ pattern: [UInt8]) -> [[UInt8]] {
    guard let open = pattern.firstIndex(of: UInt8(ascii: "{")) else { return [pattern] }
    var depth = 0
    var starts = [open + 1]
    for index in open..<pattern.count {
      switch pattern[index] {
      case UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: ",") where depth == 1: starts.append(index + 1)
      case UInt8(ascii: "}"):
        depth -= 1
        guard depth == 0 else { continue }
        let ends: [Int] = starts.dropFirst().map { $0 - 1 } + [index]
        let (before, after) = (Array(pattern[..<open]), Array(pattern[(index + 1)...]))
        return zip(starts, ends).flatMap { start, end -> [[UInt8]] in
          expandBraces(before + Array(pattern[start..<end]) + after)
        }
      default: break
      }
    }
    return [pattern]
  }
}
