import FoundationEssentials
import Supervision
import TOMLKit

/// Makes arguments of a value in a file.
struct ValueReader {
  /// A value that cannot be: a sentence without its full stop.
  struct Failure: Error {
    let text: String
  }

  /// Where relative paths begin.
  let directory: String

  /// The arguments that say the same on the command line.
  func arguments(_ option: KnownOption, _ value: any TOMLValueConvertible) throws(Failure) -> [String] {
    guard option.value != nil else {
      guard let isOn = value.bool else { throw Failure(text: "\(option.key) is true or false") }
      return isOn ? [option.spelling] : option.negation.map { [$0] } ?? []
    }
    var words: [String] = []
    if let array = value.array {
      guard option.isRepeating else { throw Failure(text: "\(option.key) takes one value, not a list") }
      for index in array.indices { words.append(try word(option, array[index])) }
    } else {
      words = [try word(option, value)]
    }
    return words.flatMap { option.key.count == 1 ? [option.spelling, $0] : ["\(option.spelling)=\($0)"] }
  }

  private func word(_ option: KnownOption, _ value: any TOMLValueConvertible) throws(Failure) -> String {
    if let number = value.int { return "\(number)" }
    if let number = value.double { return "\(number)" }
    guard let text = value.string else { throw Failure(text: "\(option.key) takes a string or a number") }
    return resolved(text, option)
  }

  /// The value with its path, if it is one, made absolute. What kind of value an option takes, its name in the help
  /// tells.
  private func resolved(_ text: String, _ option: KnownOption) -> String {
    switch option.value {
    case "FILE", "DIR", "APP": text == "-" ? text : path(text)
    // A program without a slash is looked for in PATH, and `off` is no file.
    case "PATH": option.key == "perl" && !text.contains("/") ? text : path(text)
    case "PATH|off", "FILE|off": text == "off" ? text : path(text)
    case "ADDRESS": address(text)
    default: text
    }
  }

  private func path(_ text: String) -> String {
    if text.isEmpty || text.hasPrefix("/") { return text }
    return directory + "/" + (text.hasPrefix("./") ? String(text.dropFirst(2)) : text)
  }

  private func address(_ text: String) -> String {
    guard case .unix? = try? ListenAddress(text) else { return text }
    return "unix:" + path(text.hasPrefix("unix:") ? String(text.dropFirst(5)) : text)
  }
}
