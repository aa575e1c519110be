import Foundation

/// The answer to a request.
struct Response: Equatable {
  var version = ""
  var status: Int
  var reason = ""
  /// Names as they came.
  var headers: [Header]
  var body: [UInt8]

  /// One header line.
  struct Header: Equatable {
    var name: String
    var value: String
  }

  /// The body as text.
  var text: String { String(decoding: body, as: UTF8.self) }

  /// The value of the first header of this name, in any case.
  subscript(name: String) -> String? { headers.first { $0.name.lowercased() == name.lowercased() }?.value }

  /// Every value of the headers of this name.
  func all(_ name: String) -> [String] {
    headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
  }

  /// Reads a head, without the empty line that ends it; the body is left empty.
  init(head: [UInt8]) throws {
    let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
      throw Stuck("not a status line: \(lines[0])")
    }
    version = String(words[0])
    self.status = status
    reason = words.count > 2 ? String(words[2]) : ""
    headers = try lines.dropFirst().map { line in
      guard let colon = line.firstIndex(of: ":") else { throw Stuck("not a header: \(line)") }
      return Header(
        name: String(line[..<colon]),
        value: line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces))
    }
    body = []
  }
}
