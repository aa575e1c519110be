import ArgumentParser
import FoundationEssentials
import Glibc
import Supervision
import TOMLKit

/// What a `nacre.toml` says, as arguments of the command line.
struct ConfigurationFile {
  /// One line of the file.
  struct Entry: Equatable {
    let option: KnownOption
    let line: Int?
    let arguments: [String]
  }

  /// Something in the file that cannot be.
  struct Problem: Equatable, CustomStringConvertible {
    let file: String
    let line: Int?
    /// A sentence without its full stop.
    let text: String

    var description: String {
      "\(file)\(line.map { " line \($0)" } ?? ""): \(text)\(text.hasSuffix("?") ? "" : ".")"
    }
  }

  /// The file's path, as it was found.
  let file: String
  private(set) var entries: [Entry] = []
  private(set) var problems: [Problem] = []

  /// Reads a file from the disk.
  init(reading file: String) throws(StartupError) {
    guard let data = FileManager.default.contents(atPath: file) else {
      throw StartupError(
        "the configuration \(file) cannot be read: \(String(cString: strerror(errno))).", isUsage: true)
    }
    self.init(file, String(decoding: data, as: UTF8.self))
  }

  /// Takes a file's text apart. Paths in it are relative to the file's directory.
  init(_ file: String, _ text: String) {
    self.file = file
    let lines = KeyLines(text)
    let table: TOMLTable
    do {
      table = try TOMLTable(string: text)
    } catch {
      let place = (error as? TOMLParseError)?.source.begin.line
      let reason = (error as? TOMLParseError)?.description ?? "\(error)"
      problems = [Problem(file: file, line: place, text: "this is not TOML: \(reason)")]
      return
    }
    let reader = ValueReader(directory: Configuration.directory(of: absolutePath(file)))
    for key in table.keys.sorted(by: { (lines[$0] ?? 0, $0) < (lines[$1] ?? 0, $1) }) {
      guard let option = KnownOption.settable.first(where: { $0.key == key }) else {
        let text = Self.unknown(key, isTable: table[key]?.table != nil)
        problems.append(Problem(file: file, line: lines[key], text: text))
        continue
      }
      do throws(ValueReader.Failure) {
        let arguments = try reader.arguments(option, table[key]!)
        entries.append(Entry(option: option, line: lines[key], arguments: arguments))
      } catch {
        problems.append(Problem(file: file, line: lines[key], text: error.text))
      }
    }
    findBadValues()
  }

  private static func unknown(_ key: String, isTable: Bool) -> String {
    let keys = KnownOption.settable.map(\.key)
    // A name that the command line has, but not as its first one.
    if let option = KnownOption.settable.first(where: { $0.names.contains("-\(key)") }) {
      return "there is no option \(key); it is written \(option.key)"
    }
    if isTable { return "there are no sections; the options stand in the file as they are" }
    if let near = KnownOption.nearest(to: key, among: keys) {
      return "there is no option \(key); did you mean \(near)?"
    }
    return "there is no option \(key); nacre --help lists them all"
  }

  /// Has the parser judge the values. What it complains about is the entry without which it has nothing, or something
  /// else, to complain about.
  private mutating func findBadValues() {
    var rest = entries
    while let complaint = Self.complaint(rest) {
      let culprit = rest.indices.first { index in
        var others = rest
        others.remove(at: index)
        return Self.complaint(others) != complaint
      }
      problems.append(Problem(file: file, line: culprit.flatMap { rest[$0].line }, text: complaint))
      guard let culprit else { return }
      rest.remove(at: culprit)
    }
  }

  private static func complaint(_ entries: [Entry]) -> String? {
    do {
      _ = try ServeOptions.parse(entries.flatMap(\.arguments))
      return nil
    } catch {
      let text = ServeOptions.message(for: error)
      return text.hasSuffix(".") ? String(text.dropLast()) : text
    }
  }
}

/// In which line of a file each key stands. TOML's parser does not tell.
struct KeyLines {
  private var lines: [String: Int] = [:]

  init(_ text: String) {
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      guard let match = line.prefixMatch(of: /\s*\[*\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*[=.\]]/),
        let key = match.1 ?? match.2 ?? match.3, lines[String(key)] == nil
      else { continue }
      lines[String(key)] = index + 1
    }
  }

  subscript(key: String) -> Int? { lines[key] }
}
