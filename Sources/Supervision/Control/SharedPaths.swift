/// Paths that many reloads name. Each load tells them anew; a hundred lists of a thousand copies would be most of what
/// `nacre` takes.
struct SharedPaths {
  private var known: Set<String> = []

  /// The same paths, with the text that was kept before.
  mutating func shared(_ paths: [String]) -> [String] { paths.map { known.insert($0).memberAfterInsert } }

  /// Forgets all that these do not name.
  mutating func keep(only lists: some Sequence<[String]>) { known = Set(lists.joined()) }
}
