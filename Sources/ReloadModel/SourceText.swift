/// The text of a source file, as far as a person is shown it. Takes whatever bytes a file may hold.
public struct SourceText: Equatable, Sendable {
  /// The most characters of a line that are shown.
  static let width = 300

  private let bytes: [UInt8]
  /// Where each line begins, and the end of the text.
  private let starts: [Int]

  /// Cuts a file's bytes into lines.
  public init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var starts = [0]
    for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") { starts.append(index + 1) }
    if starts.last != bytes.count { starts.append(bytes.count) }
    self.starts = starts
  }

  /// The number of lines.
  public var count: Int { starts.count - 1 }

  /// The line of this number, from 1, as it can be shown: without its end, control characters made visible, cut off
  /// where it is very long. Nil if there is none.
  public func line(_ number: Int) -> String? {
    guard number >= 1, number <= count else { return nil }
    var line = bytes[starts[number - 1]..<starts[number]]
    for end in [UInt8(ascii: "\n"), UInt8(ascii: "\r")] where line.last == end { line.removeLast() }
    // More is never shown, whatever the encoding; the last character may be cut in two.
    let isCut = line.count > 8 * Self.width
    let text = Self.decoded(isCut ? Self.wholeCharacters(line.prefix(8 * Self.width)) : line)
    let shown = String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.width).map(Self.visible)))
    return isCut || text.unicodeScalars.count > Self.width ? shown + " …" : shown
  }

  /// UTF-8 where it is that, and otherwise what perl takes source for without `use utf8`: Latin-1.
  static func decoded(_ bytes: ArraySlice<UInt8>) -> String {
    if let text = String(validating: bytes, as: UTF8.self) { return text }
    var scalars = String.UnicodeScalarView()
    for byte in bytes { scalars.append(Unicode.Scalar(byte)) }
    return String(scalars)
  }

  /// Without the beginning of a character at the end.
  private static func wholeCharacters(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    for count in 0...3 {
      let shorter = bytes.dropLast(count)
      if String(validating: shorter, as: UTF8.self) != nil { return shorter }
    }
    return bytes
  }

  /// A sign for what cannot be seen, or would turn around or hide what stands beside it.
  private static func visible(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar {
    case "\t": scalar
    case "\u{0}"..<" ": Unicode.Scalar(0x2400 + scalar.value)!
    case "\u{7f}": "\u{2421}"
    case "\u{80}"..<"\u{a0}", "\u{ad}", "\u{200b}"..."\u{200f}", "\u{2028}"..."\u{202e}", "\u{2066}"..."\u{2069}",
      "\u{feff}":
      "\u{fffd}"
    default: scalar
    }
  }
}
