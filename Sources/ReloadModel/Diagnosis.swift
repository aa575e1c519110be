/// What a message of perl says about where it went wrong.
public struct Diagnosis: Equatable, Sendable {
  /// The file in which it went wrong, as perl names it; empty if the message names none.
  public var file: String
  /// The line there; 0 if unknown.
  public var line: UInt32
  /// The way there: the application first, the place where it went wrong last.
  public var chain: [LoadFailure.Step]

  /// Reads a message.
  ///
  /// The first place that it names is where it went wrong (perl says what happened first and unwinds afterwards); a
  /// place in an `eval` of a string (`(eval 12)`) is passed over for the file around it. Each line "Compilation failed
  /// in require at ..." or "BEGIN failed--compilation aborted at ..." is one `use` further out.
  public init(_ message: String) {
    var innermost: LoadFailure.Step?
    var outer: [LoadFailure.Step] = []
    for line in message.split(separator: "\n") {
      guard let place = Self.place(in: line), !place.file.hasPrefix("(eval ") else { continue }
      if Self.unwinds(line) {
        if outer.last != place { outer.append(place) }
      } else if innermost == nil && outer.isEmpty {
        innermost = place
      }
    }
    let inside = innermost ?? outer.first
    file = inside?.file ?? ""
    line = inside?.line ?? 0
    chain = outer.reversed()
    if let innermost, chain.last != innermost { chain.append(innermost) }
  }

  /// Whether the line tells through which `use` or `require` the failure came.
  private static func unwinds(_ line: Substring) -> Bool {
    ["Compilation failed in require at ", "BEGIN failed--compilation aborted at "].contains { line.contains($0) }
  }

  /// The place that a line names: `... at FILE line N.`, `... at FILE line N, near "..."`, `..., <DATA> line 5.`
  ///
  /// Of several the last counts (what stands before may quote another message), but nothing after `near "`, which
  /// quotes the source.
  static func place(in line: Substring) -> LoadFailure.Step? {
    let text = Array(line.utf8)
    let end = firstIndex(of: ", near \"", in: text[...]) ?? text.count
    var from = end
    while let at = lastIndex(of: " at ", in: text[..<from]) {
      if let step = step(text[(at + 4)..<end]) { return step }
      from = at + 3
    }
    return nil
  }

  /// Reads `FILE line N`, which perl ends with a full stop, a comma or the line.
  private static func step(_ text: ArraySlice<UInt8>) -> LoadFailure.Step? {
    var from = text.startIndex
    while let word = firstIndex(of: " line ", in: text[from...]) {
      let digits = text[(word + 6)...].prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
      let file = text[text.startIndex..<word]
      let next = text[digits.endIndex...].first
      let isEnd = next == nil || next == UInt8(ascii: ".") || next == UInt8(ascii: ",")
      if isEnd, !file.isEmpty, let line = UInt32(String(decoding: digits, as: UTF8.self)) {
        return LoadFailure.Step(file: String(decoding: file, as: UTF8.self), line: line)
      }
      from = word + 1
    }
    return nil
  }

  private static func firstIndex(of part: String, in text: ArraySlice<UInt8>) -> Int? {
    let part = Array(part.utf8)
    guard text.count >= part.count else { return nil }
    return (text.startIndex...(text.endIndex - part.count)).first { text[$0...].starts(with: part) }
  }

  /// Where a part begins for the last time.
  static func lastIndex(of part: String, in text: ArraySlice<UInt8>) -> Int? {
    let part = Array(part.utf8)
    guard text.count >= part.count else { return nil }
    return (text.startIndex...(text.endIndex - part.count)).last { text[$0...].starts(with: part) }
  }
}

extension LoadFailure {
  /// A failure whose place and chain are read from perl's message.
  public init(cause: Cause = .died, perlSays message: String, status: Int32 = 0) {
    let diagnosis = Diagnosis(message)
    self.init(
      cause: cause, file: diagnosis.file, line: diagnosis.line, message: message, status: status,
      chain: diagnosis.chain)
  }
}
