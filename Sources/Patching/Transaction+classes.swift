import CPerl
import PerlRuntime

// Classes and roles that a framework has built from what their files said: they are built again, with all that was built from
// them.
extension Transaction {
  /// These files and those of all classes that are built from theirs.
  func withRelatives(of files: Set<Int>) -> Set<Int> {
    var all = files
    var left = files
    while !left.isEmpty {
      var more: Set<Int> = []
      let owners = table.owners
      for stash in table.live {
        guard let owner = owners[stash], left.contains(owner) else { continue }
        let package = table.name(of: stash)
        let names = Patcher.ask("_relatives", package).split(separator: "\u{1}").map(String.init)
        if !names.isEmpty { foundations[owner] = max(foundations[owner] ?? 0, names.count) }
        for name in names {
          if built.insert(name).inserted, !Patcher.ask("_is_of_moo", name).isEmpty { builtByMoo.insert(name) }
          if let file = table.stash(named: name).flatMap({ table.owners[$0] }), follower.isWatched(file) {
            more.insert(file)
          } else {
            refuse(follower.files[owner].key, "\(name) is built from \(package), and no file of the project is its own")
          }
        }
      }
      left = more.subtracting(all).subtracting(staged)
      all.formUnion(left)
    }
    return all
  }

  /// Classes come before what is built from them: not every framework loads a parent or a role whose package is there.
  func loadOrder(_ files: Set<Int>) -> [Int] {
    let order = follower.inOrder(files)
    if foundations.isEmpty { return order }
    return order.enumerated().sorted { one, other in
      let (first, second) = (foundations[one.element] ?? 0, foundations[other.element] ?? 0)
      return first == second ? one.offset < other.offset : first > second
    }.map(\.element)
  }

  /// Has the frameworks forget the classes of these files.
  func takeDown(_ files: Set<Int>, _ touched: [Int]) {
    for stash in touched {
      guard let owner = table.owners[stash], files.contains(owner), built.contains(table.name(of: stash)) else {
        continue
      }
      _ = Patcher.ask("_take_down", table.name(of: stash))
    }
  }
}
