// What of a program's code is to equal a fresh start's. `Documentation/Patching.md` tells why the rest is not.
extension PatchDescription {
  /// Where the code is not that of a fresh start. Left out are files that only one of them has loaded: what nobody asks for
  /// any more stays; whoever has looked for a file in vain does not look again, nor for new ones in a directory, and so
  /// nobody asks for what only such a file asks for.
  func codeDiffers(from fresh: PatchDescription, unseen: Set<String>, asked: AskedFiles, halfCompiled: Set<Substring>)
    -> [String]
  {
    let missing = fresh.loaded.keys.filter {
      loaded[$0] == nil && !unseen.contains($0) && !$0.hasPrefix("A/O") && !$0.hasPrefix("A/Plugin/")
        && asked.contains($0)
    }
    if !missing.isEmpty { return missing.sorted().map { "- inc\t\($0)" } }
    let known = Set(loaded.keys).intersection(fresh.loaded.keys)
    let circles = asked.inCircles
    let halfCompiled = halfCompiled.union(fresh.halfCompiled(circles))
    let kept = keptNames(fresh, asked)
    func lines(_ description: PatchDescription) -> [Substring] {
      description.lines(known, without: halfCompiled).map { Self.withoutPrototypes($0, circles) }
        .filter { line in !kept.contains { line.hasPrefix($0) } }
    }
    return Self.differences(lines(self), lines(fresh))
  }

  /// The lines that come from known files only, without the subs of some.
  private func lines(_ known: Set<String>, without files: Set<Substring>) -> [Substring] {
    code.filter { $0.files.split(separator: " ").allSatisfy { known.contains(String($0)) } }
      .filter { !$0.line.hasPrefix("sub") || !files.contains($0.files) }.map(\.line)
  }

  /// Calls in files that ask for each other in a circle: at a start, one of them is compiled before another one's prototypes
  /// are known, and one that is loaded again has them.
  private static func withoutPrototypes(_ line: Substring, _ circles: Set<String>) -> Substring {
    guard let file = line.firstMatch(of: /^sub\t\S+\t.*? of (?:lib|more|early)\/(\S+) .*?\{/)?.1,
      circles.contains(String(file))
    else { return line }
    return line.replacing(/(&p\d+\()\\(@\w+\))/) { "\($0.1)\($0.2)" }
  }

  /// The files of a circle that were compiled before constants that they import were made, and have no
  /// more of these than the names.
  func halfCompiled(_ circles: Set<String>) -> Set<Substring> {
    Set(
      code.filter { circles.contains(String($0.files)) && $0.line.wholeMatch(of: /sub\t&\S+::C\d+\tdeclared/) != nil }
        .map(\.files))
  }

  /// The names to which a module that nobody asks for any more has assigned its subs, and in a fresh start another one: what
  /// the one has done stays with it.
  private func keptNames(_ fresh: PatchDescription, _ asked: AskedFiles) -> Set<String> {
    func aliases(_ description: PatchDescription) -> [(name: String, files: Substring)] {
      description.code.compactMap { item in
        guard let name = item.line.firstMatch(of: /^alias\t&(\S+)\t/)?.1 else { return nil }
        return asked.assigned.contains(String(name)) ? (String(name), item.files) : nil
      }
    }
    let others = Set(aliases(fresh).map(\.name))
    return Set(
      aliases(self).filter { alias in
        others.contains(alias.name)
          && alias.files.split(separator: " ").contains { fresh.loaded[String($0)] == nil }
      }.map { "alias\t&\($0.name)\t" })
  }
}
