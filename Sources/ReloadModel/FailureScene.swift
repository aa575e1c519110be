/// What is found around a failure when it is reported: source text, which the next save may change, and times.
public struct FailureScene: Equatable, Sendable {
  /// The source around the place.
  public var excerpt: SourceExcerpt?
  /// The source text of further lines that the report names, without the white space around it.
  public var lines: [LoadFailure.Step: String] = [:]
  /// Directories to which paths are shown relative, absolute; the first that holds a file counts.
  public var directories: [String] = []
  /// The time of the failure, for people: `14:05:33`.
  public var time: String?
  /// Since when the running generation runs, in the same form.
  public var runningSince: String?

  /// A scene of which nothing is known.
  public init() {}

  /// Looks at the source files that a failure names.
  ///
  /// - Parameter read: Gives a file's bytes; nil if it cannot be read, or is no regular file.
  public init(of failure: LoadFailure, read: (String) -> [UInt8]?) {
    var texts: [String: SourceText?] = [:]
    func text(of file: String) -> SourceText? {
      guard file.hasPrefix("/") else { return nil }
      if let known = texts[file] { return known }
      let text = read(file).map(SourceText.init)
      texts[file] = text
      return text
    }
    let places = FailureReport.places(in: failure)
    if let source = text(of: failure.file) {
      let further = places.filter { $0.file == failure.file && $0.line > 0 }.map(\.line)
      excerpt =
        failure.line == 0 && failure.cause == .notAnApplication
        ? SourceExcerpt(endOf: source, file: failure.file)
        : SourceExcerpt(of: source, file: failure.file, place: failure.line, further: further)
    }
    for step in failure.chain + places {
      guard let line = text(of: step.file)?.line(Int(step.line))?.trimmed(), !line.isEmpty else { continue }
      lines[step] = line
    }
  }

  /// A file's path as it is shown.
  func short(_ file: String) -> String {
    for directory in directories where file.hasPrefix(directory + "/") {
      return String(file.dropFirst(directory.count + 1))
    }
    return file
  }
}

extension FailureReport {
  /// The most places of one failure that are looked at.
  private static let maximumPlaces = 50

  /// What perl says, one for each error that it found.
  var problems: [FailureProblem] {
    Self.problems(in: failure, Self.messageLines(of: failure.message))
  }

  /// Where the errors are, in absolute paths as far as they are known.
  static func places(in failure: LoadFailure) -> [LoadFailure.Step] {
    Array(problems(in: failure, messageLines(of: failure.message)).compactMap(\.place).prefix(maximumPlaces))
  }

  private static func problems(in failure: LoadFailure, _ lines: [String]) -> [FailureProblem] {
    var problems = FailureProblem.list(lines)
    for index in problems.indices {
      guard let file = problems[index].place?.file, !file.hasPrefix("/") else { continue }
      // perl names files as they were asked for; those that matter are in the failure as they lie on the disk.
      let ending = "/" + (file.hasPrefix("./") ? String(file.dropFirst(2)) : file)
      let known = [failure.file] + failure.chain.map(\.file)
      if let absolute = known.first(where: { $0.hasSuffix(ending) }) { problems[index].place?.file = absolute }
    }
    return problems
  }
}
