/// One of the things that perl says about a failed load; a compilation may find several.
public struct FailureProblem: Equatable, Sendable {
  /// What perl says, without the place. The first line is the sentence; further ones explain it.
  public var lines: [String]
  /// Where; nil if it does not say.
  public var place: LoadFailure.Step?

  /// Takes the lines of a message apart. A problem ends with the line that names its place.
  static func list(_ lines: [String]) -> [FailureProblem] {
    var problems: [FailureProblem] = []
    var open: [String] = []
    var isQuoting = false
    for line in lines {
      let place = Diagnosis.place(in: line[...])
      if isQuoting, place == nil, let last = problems.indices.last {
        // The rest of source text that perl quotes over several lines: near "...
        problems[last].lines.append(line)
        isQuoting = !line.hasSuffix("\"")
      } else if let place {
        let said = withoutPlace(line, place)
        problems.append(FailureProblem(lines: open + (said.isEmpty && !open.isEmpty ? [] : [said]), place: place))
        open = []
        isQuoting = line.contains(", near \"") && !line.hasSuffix("\"")
      } else if !line.allSatisfy(\.isWhitespace) || !open.isEmpty {
        open.append(line)
      }
    }
    while open.last?.allSatisfy(\.isWhitespace) == true { open.removeLast() }
    if !open.isEmpty { problems.append(FailureProblem(lines: open, place: nil)) }
    return problems
  }

  /// `syntax error at lib/A.pm line 3, near "x"` without the middle: `syntax error, near "x"`.
  private static func withoutPlace(_ line: String, _ place: LoadFailure.Step) -> String {
    let text = Array(line.utf8)
    let words = " at \(place.file) line \(place.line)"
    guard let at = Diagnosis.lastIndex(of: words, in: text[...]) else { return line.trimmed() }
    let rest = text[(at + words.utf8.count)...]
    let isEnd = rest.elementsEqual([UInt8(ascii: ".")])
    return String(decoding: text[..<at] + (isEnd ? [] : rest), as: UTF8.self).trimmed()
  }
}
