extension Story {
  /// A smaller story that still fails, as far as `fails` has the patience to say so.
  ///
  /// - Parameters:
  ///   - index: The edit at which it failed; what comes after it is not needed.
  ///   - fails: Plays a story; false also when there is no time left.
  public func shrunk(failingAt index: Int, _ fails: (Story) -> Bool) -> Story {
    var story = self
    story.edits = Array(edits.prefix(index + 1))
    guard story == self || fails(story) else { return self }
    story = story.withFewerEdits(fails)
    story = story.withFewerFiles(fails)
    story = story.withPlainerEdits(fails)
    return story.withFewerEdits(fails)
  }

  /// Leaves out edits, first in large pieces, then one by one. The last is the one that shows it.
  private func withFewerEdits(_ fails: (Story) -> Bool) -> Story {
    var story = self
    var size = max(1, (story.edits.count - 1) / 2)
    while size > 0 {
      var start = 0
      while start < story.edits.count - 1 {
        var smaller = story
        smaller.edits.removeSubrange(start..<min(start + size, story.edits.count - 1))
        if fails(smaller) { story = smaller } else { start += size }
      }
      size /= 2
    }
    return story
  }

  /// Leaves out files, with every line that names them.
  private func withFewerFiles(_ fails: (Story) -> Bool) -> Story {
    var story = self
    for path in files.keys.sorted() where path != World.applicationFile {
      let smaller = story.without(path)
      if smaller != story, fails(smaller) { story = smaller }
    }
    return story
  }

  /// Leaves out deeds, second parts and lazy requests, and saves in the simplest way.
  private func withPlainerEdits(_ fails: (Story) -> Bool) -> Story {
    var story = self
    func attempt(_ change: (inout Story) -> Void) {
      var smaller = story
      change(&smaller)
      if smaller != story, fails(smaller) { story = smaller }
    }
    for index in story.edits.indices {
      attempt { $0.edits[index].lazyRequests = 0 }
      attempt { $0.edits[index].then = [] }
      attempt { $0.edits[index].rests = false }
      for deed in story.edits[index].deeds.indices.reversed() {
        attempt { $0.edits[index].deeds.remove(at: deed) }
      }
      attempt { $0.edits[index].deeds = $0.edits[index].deeds.map(\.inPlace) }
    }
    return story
  }

  private func without(_ path: String) -> Story {
    var story = self
    story.files[path] = nil
    let name = path.hasSuffix(".pm") ? Self.package(of: path) : String(path.split(separator: "/").last ?? "")
    func stripped(_ text: String) -> String {
      guard text.contains(name) else { return text }
      return text.split(separator: "\n", omittingEmptySubsequences: false).filter { !Self.mentions(name, $0) }
        .joined(separator: "\n")
    }
    func stripped(_ deeds: [Deed]) -> [Deed] {
      deeds.filter { !$0.paths.contains(path) }.map {
        if case .save(let path, let text, let saving) = $0 { .save(path, text: stripped(text), saving) } else { $0 }
      }
    }
    story.files = story.files.mapValues(stripped)
    for index in story.edits.indices {
      story.edits[index].deeds = stripped(story.edits[index].deeds)
      story.edits[index].then = stripped(story.edits[index].then)
    }
    return story
  }

  /// `lib/A/M3.pm` is `A::M3`.
  private static func package(of path: String) -> String {
    path.dropLast(3).split(separator: "/").dropFirst().joined(separator: "::")
  }

  /// Whether a line names this, and not `A::M31` for `A::M3`.
  private static func mentions(_ name: String, _ line: Substring) -> Bool {
    line.ranges(of: name).contains { range in
      range.upperBound == line.endIndex || !(line[range.upperBound].isNumber || line[range.upperBound].isLetter)
    }
  }
}

extension Deed {
  fileprivate var inPlace: Deed {
    if case .save(let path, let text, _) = self { .save(path, text: text, .inPlace) } else { self }
  }
}

extension Edit: CustomStringConvertible {
  /// One line.
  public var description: String {
    func list(_ deeds: [Deed]) -> String { deeds.map(\.description).joined(separator: ", ") }
    let later = then.isEmpty ? "" : "; after \(pause) µs: \(list(then))"
    let first = rests ? "rest; " : ""
    return "\(first)\(name): \(list(deeds))\(later)" + (lazyRequests > 0 ? "; then \(lazyRequests) lazy requests" : "")
  }
}

extension Deed: CustomStringConvertible {
  /// A few words.
  public var description: String {
    switch self {
    case .save(let path, _, let saving): "\(path) \(saving.rawValue)"
    case .remove(let path): "\(path) removed"
    case .rename(let path, let other): "\(path) renamed to \(other)"
    case .touch(let path): "\(path) touched"
    }
  }
}
