import Foundation

/// The files that a made-up application's files ask for, by what their source names.
struct AskedFiles {
  /// What each file names: `["A/M1.pm": ["A/M2.pm", "plain1.pl"]]`.
  private let named: [String: Set<String>]
  /// The names in packages of others that they assign to: `A::M1::word4`.
  let assigned: Set<String>

  /// Of those that are loaded (`["A/M1.pm": "lib/A/M1.pm"]`).
  init(of loaded: [String: String], in site: Site) {
    var (named, assigned): ([String: Set<String>], Set<String>) = ([:], [])
    for (key, path) in loaded {
      let text = site.read(path)
      let modules = text.matches(of: /\bA(?:::\w+)+/).map { String($0.0).replacing("::", with: "/") + ".pm" }
      let others = text.matches(of: /'((?:\.\/conf\/)?\w+\.pl)'/).map { String($0.1) }
      assigned.formUnion(text.matches(of: /\*(A(?:::\w+)+) =/).map { String($0.1) })
      named[key] = Set(modules + others).subtracting([key])
    }
    (self.named, self.assigned) = (named, assigned)
  }

  /// Whether one of the loaded files names this one.
  func contains(_ key: String) -> Bool { named.contains { $0.value.contains(key) } }

  /// The files that name each other in a circle.
  var inCircles: Set<String> { Set(named.keys.filter { names(of: $0).contains($0) }) }

  /// What a file names, and what that names in turn.
  private func names(of key: String) -> Set<String> {
    var found: Set<String> = []
    var left = named[key, default: []]
    while let next = left.popFirst() {
      if found.insert(next).inserted { left.formUnion(named[next, default: []].subtracting(found)) }
    }
    return found
  }
}
