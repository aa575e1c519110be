import ArgumentParser
import FoundationEssentials

/// An option of the command line, as the parser describes it: what `nacre.toml` may say follows from that, so that no
/// option is listed anywhere but where it is declared.
struct KnownOption: Equatable {
  /// What it is called in a file: `max-queue`, `I`.
  let key: String
  /// All its names: `-w`, `--workers`; of a flag that can be taken back also `--no-preload`.
  let names: [String]
  /// What its value is called in the help (`FILE`, `SECONDS`); nil if it takes none.
  let value: String?
  /// Whether it may be given several times.
  let isRepeating: Bool
  /// Whether the help shows it; another server's word for something that the help has a word for is not.
  let isShown: Bool

  /// The name that stands for it in arguments.
  var spelling: String { key.count == 1 ? "-\(key)" : "--\(key)" }
  /// The name that takes it back.
  var negation: String? { names.first { $0 == "--no-\(key)" } }

  /// All options of a server, in the order of the help.
  static let all = options(of: ServeOptions.self)

  /// The options that a file may set: all but those that are about the command line itself.
  static let settable = all.filter { $0.isShown && !["config", "help", "version"].contains($0.key) }

  /// Finds an option by one of its names.
  static func named(_ name: String) -> KnownOption? { all.first { $0.names.contains(name) } }

  // MARK: The parser's description

  private struct Tool: Decodable {
    let command: Command
  }
  private struct Command: Decodable {
    let arguments: [Argument]?
  }
  private struct Argument: Decodable {
    let kind: String
    let names: [Name]?
    let valueName: String?
    let isRepeating: Bool
    let shouldDisplay: Bool
  }
  private struct Name: Decodable {
    let kind: String
    let name: String
  }

  /// Reads the parser's own description of a type.
  static func options(of type: any ParsableArguments.Type) -> [KnownOption] {
    guard let tool = try? JSONDecoder().decode(Tool.self, from: Data(type._dumpHelp().utf8)) else { return [] }
    let options = (tool.command.arguments ?? []).compactMap { argument -> KnownOption? in
      guard argument.kind != "positional", let names = argument.names,
        let key = (names.first { $0.kind == "long" } ?? names.first)?.name
      else { return nil }
      return KnownOption(
        key: key, names: names.map { $0.kind == "long" ? "--\($0.name)" : "-\($0.name)" },
        value: argument.kind == "option" ? argument.valueName ?? "" : nil, isRepeating: argument.isRepeating,
        isShown: argument.shouldDisplay)
    }
    return joined(options)
  }

  /// The parser describes `--preload` and `--no-preload` one by one: they are one option.
  private static func joined(_ options: [KnownOption]) -> [KnownOption] {
    let keys = Set(options.map(\.key))
    let negations = Set(keys.map { "no-\($0)" }).intersection(keys)
    return options.filter { !negations.contains($0.key) }.map { option in
      guard negations.contains("no-\(option.key)") else { return option }
      return KnownOption(
        key: option.key, names: option.names + ["--no-\(option.key)"], value: option.value,
        isRepeating: option.isRepeating, isShown: option.isShown)
    }
  }
}

extension KnownOption {
  /// The word of `words` that somebody may have meant by another one; nil if none is near.
  static func nearest(to word: String, among words: [String]) -> String? {
    let near = words.map { (word: $0, distance: distance(word, $0)) }.min { $0.distance < $1.distance }
    guard let near, near.distance <= max(1, word.count / 3) else { return nil }
    return near.word
  }

  /// How many letters have to be added, left out, replaced, or exchanged with their neighbour.
  private static func distance(_ one: String, _ other: String) -> Int {
    let (one, other) = (Array(one), Array(other))
    var rows = [Array(0...other.count)]
    for line in one.indices {
      var row = [line + 1]
      for column in other.indices {
        let isSame = one[line] == other[column]
        var best = min(rows[line][column] + (isSame ? 0 : 1), rows[line][column + 1] + 1, row[column] + 1)
        if line > 0, column > 0, one[line] == other[column - 1], one[line - 1] == other[column] {
          best = min(best, rows[line - 1][column - 1] + 1)
        }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[one.count][other.count]
  }
}
