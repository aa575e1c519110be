/// A few lines of a source file around what went wrong.
public struct SourceExcerpt: Equatable, Sendable {
  /// One line.
  public struct Line: Equatable, Sendable {
    /// Its number, from 1.
    public var number: Int
    /// Its text, as it can be shown.
    public var text: String
    /// What is known about it.
    public var mark: Mark
  }

  /// What is known about a line.
  public enum Mark: Equatable, Sendable {
    /// Nothing: it stands beside one that matters.
    case none
    /// It is the place.
    case place
    /// It has a further error.
    case further
  }

  /// The lines before and after the place.
  static let around = 5
  /// The lines before and after a further error.
  static let aroundFurther = 2
  /// The most further errors that are shown.
  static let maximumFurther = 8

  /// The file, absolute.
  public let file: String
  /// In the order of their numbers; where numbers are missing lines are left out. Never empty.
  public let lines: [Line]

  /// Cuts out what stands around a place, and around further errors of the same compilation.
  ///
  /// Nil if the text has no such line: it may have been saved again since.
  public init?(of source: SourceText, file: String, place: UInt32, further: [UInt32] = []) {
    let place = Int(place)
    let further = Set(further.map(Int.init)).subtracting([place]).sorted().prefix(Self.maximumFurther)
    guard place >= 1, place <= source.count else { return nil }
    var numbers = Set(place - Self.around...place + Self.around)
    for line in further { numbers.formUnion(line - Self.aroundFurther...line + Self.aroundFurther) }
    self.init(
      file: file,
      lines: numbers.sorted().compactMap { number in
        source.line(number).map {
          Line(number: number, text: $0, mark: number == place ? .place : further.contains(number) ? .further : .none)
        }
      })
  }

  /// The end of a file, for what is wrong with a file as a whole: its last lines, the last of them that says anything
  /// marked.
  public init?(endOf source: SourceText, file: String) {
    func isBlank(_ number: Int) -> Bool { source.line(number)?.allSatisfy(\.isWhitespace) ?? true }
    guard let last = (1...max(1, source.count)).last(where: { !isBlank($0) }) else { return nil }
    self.init(of: source, file: file, place: UInt32(last))
  }

  private init?(file: String, lines: [Line]) {
    guard !lines.isEmpty else { return nil }
    self.file = file
    self.lines = lines
  }

  /// The text of the marked line, without the white space around it.
  public var markedText: String? {
    lines.first { $0.mark == .place }.map { $0.text.trimmed() }.flatMap { $0.isEmpty ? nil : $0 }
  }
}

extension SourceExcerpt {
  /// The lines for where there is only text: `> 12 | the line`, and `...` where some are left out.
  var plainLines: [String] {
    let width = "\(lines.last!.number)".count
    var plain: [String] = []
    for (index, line) in lines.enumerated() {
      if index > 0, lines[index - 1].number + 1 < line.number { plain.append("  ...") }
      let number = "\(line.number)"
      let indent = String(repeating: " ", count: width - number.count)
      plain.append("\(line.mark == .none ? " " : ">") \(indent)\(number) | \(line.text)".trimmedEnd())
    }
    return plain
  }
}

extension StringProtocol {
  /// The text without the white space at its end.
  func trimmedEnd() -> String { String(reversed().drop(while: \.isWhitespace).reversed()) }

  /// The text without the white space around it.
  func trimmed() -> String {
    String(drop(while: \.isWhitespace)).trimmedEnd()
  }
}
